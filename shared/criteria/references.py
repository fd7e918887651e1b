"""Finds what a criterion refers to, and replaces segments in it by their criteria."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import UUID

from shared.criteria.grammar import (
    All,
    AnyOf,
    Clicked,
    ContactCreated,
    Criterion,
    Engaged,
    Fault,
    FieldCompared,
    FieldDay,
    FixedDays,
    HoldsLabel,
    InSegment,
    InvalidCriterion,
    MoreClicks,
    Not,
    TopLabel,
)

# A criterion itself has at most 100 nodes. These limits include the segments that it names.
MAX_INLINED_NODES = 2000
MAX_SEGMENT_LEVELS = 10


@dataclass(frozen=True, slots=True)
class References:
    """The things that a criterion itself names, without those that its segments name."""

    labels: frozenset[UUID]
    messages: frozenset[UUID]
    links: frozenset[UUID]
    segments: frozenset[UUID]
    fields: frozenset[str]


def walk(criterion: Criterion, *, into_segments: bool = False) -> Iterator[Criterion]:
    """Yield every node, parents first. `into_segments`: also the nodes of inlined segments."""
    yield criterion
    match criterion:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from walk(part, into_segments=into_segments)
        case Not(part):
            yield from walk(part, into_segments=into_segments)
        case InSegment(_, inner) if into_segments and inner is not None:
            yield from walk(inner, into_segments=True)
        case _:
            pass


def references(criterion: Criterion, *, into_segments: bool = False) -> References:
    """Return what the criterion names. `into_segments`: also what inlined segments name."""
    labels: set[UUID] = set()
    messages: set[UUID] = set()
    links: set[UUID] = set()
    segments: set[UUID] = set()
    fields: set[str] = set()
    ids_by_selector = {"label": labels, "message": messages, "link": links}
    for node in walk(criterion, into_segments=into_segments):
        match node:
            case HoldsLabel(ids):
                labels.update(ids)
            case Clicked(selector, UUID() as target) if selector is not None:
                ids_by_selector[selector].add(target)
            case Engaged(message=UUID() as message):
                messages.add(message)
            case TopLabel(label, among):
                labels.update({label, *(among or ())})
            case MoreClicks(label, than):
                labels.update({label, than})
            case FieldCompared(key) | FieldDay(key):
                fields.add(key)
            case InSegment(segment):
                segments.add(segment)
            case _:
                pass
    return References(
        labels=frozenset(labels),
        messages=frozenset(messages),
        links=frozenset(links),
        segments=frozenset(segments),
        fields=frozenset(fields),
    )


def moves_with_the_day(criterion: Criterion) -> bool:
    """Return whether the result may change merely because a day passes, including that of inlined segments."""
    for node in walk(criterion, into_segments=True):
        if isinstance(node, HoldsLabel | Clicked | Engaged | TopLabel | MoreClicks | ContactCreated):
            if not isinstance(node.period, FixedDays | None):
                return True
        elif isinstance(node, FieldDay) and not isinstance(node.window, FixedDays):
            return True
    return False


def inline_segments(criterion: Criterion, find: Callable[[UUID], Criterion | None]) -> Criterion:
    """Put the criterion of every segment into the node that names it, recursively.

    `find` returns a segment's criterion, or None if the segment does not exist. Raises InvalidCriterion, with the
    pointer to the outermost node involved, for a missing segment, a cycle, or too many nodes or levels in total.
    """
    return _Inliner(find).inline(criterion, (), None)


class _Inliner:
    def __init__(self, find: Callable[[UUID], Criterion | None]) -> None:
        self.find = find
        self.nodes = 0

    def inline(self, node: Criterion, path: tuple[UUID, ...], outermost: str | None) -> Criterion:
        here = node.pointer if outermost is None else outermost
        self.nodes += 1
        if self.nodes > MAX_INLINED_NODES:
            self.refuse(here, f"a criterion has at most {MAX_INLINED_NODES} nodes, including those of its segments")
        match node:
            case All(parts) | AnyOf(parts):
                return replace(node, parts=tuple(self.inline(part, path, outermost) for part in parts))
            case Not(part):
                return replace(node, part=self.inline(part, path, outermost))
            case InSegment(segment):
                return replace(node, criterion=self.look_up(segment, path, here))
            case _:
                return node

    def look_up(self, segment: UUID, path: tuple[UUID, ...], pointer: str) -> Criterion:
        if segment in path:
            self.refuse(pointer, f"segment {segment} includes itself")
        if len(path) == MAX_SEGMENT_LEVELS:
            self.refuse(pointer, f"segments can be nested at most {MAX_SEGMENT_LEVELS} levels deep")
        criterion = self.find(segment)
        if criterion is None:
            self.refuse(pointer, f"there is no segment {segment}")
        return self.inline(criterion, (*path, segment), pointer)

    def refuse(self, pointer: str, detail: str) -> NoReturn:
        raise InvalidCriterion((Fault(pointer, detail),))


def would_circle(segment: UUID, criterion: Criterion, others: Mapping[UUID, Criterion]) -> Fault | None:
    """Return a fault at the node through which `segment` with this criterion would include itself; None if none."""
    for node in walk(criterion):
        if isinstance(node, InSegment) and _reaches(node.segment, segment, others, set()):
            return Fault(node.pointer, f"segment {node.segment} would make this segment include itself")
    return None


def _reaches(start: UUID, goal: UUID, others: Mapping[UUID, Criterion], seen: set[UUID]) -> bool:
    if start == goal:
        return True
    if start in seen or start not in others:
        return False
    seen.add(start)
    return any(_reaches(following, goal, others, seen) for following in references(others[start]).segments)
