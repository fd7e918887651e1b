"""Find the lines that differ between two texts."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Change = Literal["same", "added", "removed"]


class Line(NamedTuple):
    """A line, and how deep it is nested."""

    depth: int
    text: str


class Difference(NamedTuple):
    """A line of either text, and in which of them it is."""

    change: Change
    line: Line


def differences(before: Sequence[Line], after: Sequence[Line]) -> Iterator[Difference]:
    """Return the lines of both, in order; what was taken away comes before what came in its place."""
    for kind, start, end, from_, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (Difference("same", line) for line in before[start:end])
        else:
            yield from (Difference("removed", line) for line in before[start:end])
            yield from (Difference("added", line) for line in after[from_:to])
