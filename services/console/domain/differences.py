"""Finds the lines that differ between two texts."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Change = Literal["same", "added", "removed"]


class Line(NamedTuple):
    """A line with its nesting level."""

    depth: int
    text: str


class Difference(NamedTuple):
    """A line, and whether it is in the first text, the second, or both."""

    change: Change
    line: Line


def differences(before: Sequence[Line], after: Sequence[Line]) -> Iterator[Difference]:
    """Return the lines of both texts, in order; removed lines come before those that replace them."""
    for kind, start, end, from_, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (Difference("same", line) for line in before[start:end])
        else:
            yield from (Difference("removed", line) for line in before[start:end])
            yield from (Difference("added", line) for line in after[from_:to])
