"""The segments of an account in the form for evaluation: inlined, with the names that they depend on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from types import MappingProxyType
from uuid import UUID

from services.segmentation.domain.concerns import concerns
from services.segmentation.domain.slice import NONE_MERGED, Name
from shared.criteria import (
    Criterion,
    InvalidCriterion,
    MergedLabels,
    inline_segments,
    moves_with_the_day,
    references,
)
from shared.criteria.grammar import All, AnyOf, InSegment, Not, TopLabel
from shared.criteria.references import walk


@dataclass(frozen=True, slots=True)
class Definition:
    """One segment. `fingerprint` differs between two definitions exactly if they may have different members."""

    segment_id: UUID
    name: str
    criterion: Criterion
    fingerprint: bytes
    moves: bool  # whether members may change with the day
    concerns: frozenset[Name]


class Definitions:
    """All segments of an account that can be evaluated.

    `broken`: those that cannot, with the reasons: something that they name was deleted, or they include a broken
    segment. The argument has only those that are broken themselves, not those that include them. `previous`: earlier
    definitions, of which unchanged ones are reused. `merged`: the account's merged labels; a segment that names one of
    them means all labels merged with it.
    """

    def __init__(
        self,
        zone: str,
        segments: Mapping[UUID, tuple[str, Criterion]],
        broken: Mapping[UUID, str] = MappingProxyType({}),
        previous: "Definitions | None" = None,
        merged: MergedLabels = NONE_MERGED,
    ) -> None:
        self.zone = zone
        self.merged = merged
        self.all: dict[UUID, Definition] = {}
        self.broken: dict[UUID, str] = dict(broken)
        self._concerned: dict[Name, list[UUID]] = {}
        self._criteria = {segment_id: criterion for segment_id, (_, criterion) in segments.items()}
        is_reusable = previous is not None and previous.zone == zone and previous.merged.last == merged.last
        reusable = previous if is_reusable else None
        self._leaves: dict[Criterion, Criterion] = reusable.shared_leaves() if reusable is not None else {}
        for segment_id, (name, criterion) in segments.items():
            if segment_id in self.broken or self._includes_broken(segment_id, criterion, set()):
                continue
            if reusable is not None and reusable.has_same(segment_id, name, criterion):
                self.all[segment_id] = reusable.all[segment_id]
            else:
                self._add(segment_id, name, criterion)
        for definition in self.all.values():
            for concern in definition.concerns:
                self._concerned.setdefault(concern, []).append(definition.segment_id)

    def _add(self, segment_id: UUID, name: str, criterion: Criterion) -> None:
        try:
            inlined = inline_segments(criterion, self._criteria.get)
        except InvalidCriterion as invalid:
            self.broken[segment_id] = invalid.faults[0].detail
            return
        # The time zone is part of the fingerprint, because it determines the days.
        meaning = f"{self.zone} {inlined!r}{self._merged_in(inlined)}"
        fingerprint = sha256(meaning.encode("utf-8", "surrogatepass")).digest()[:16]
        shared = share_leaves(inlined, self._leaves)
        names = concerns(inlined, self.merged)
        self.all[segment_id] = Definition(segment_id, name, shared, fingerprint, moves_with_the_day(inlined), names)

    def _merged_in(self, inlined: Criterion) -> str:
        """Return the part of the fingerprint for merged labels: empty if the criterion names none."""
        named = sorted(references(inlined, into_segments=True).labels)
        if any(isinstance(node, TopLabel) and node.among is None for node in walk(inlined, into_segments=True)):
            named = sorted({*named, *self.merged.last})
        alike = [sorted(self.merged.alike(label)) for label in named]
        groups = [[label.hex for label in group] for group in alike if len(group) > 1]
        return f" {groups}" if groups else ""

    def _includes_broken(self, segment_id: UUID, criterion: Criterion, seen: set[UUID]) -> bool:
        for inner in references(criterion).segments - seen:
            seen.add(inner)
            if inner in self.broken or (
                inner in self._criteria and self._includes_broken(segment_id, self._criteria[inner], seen)
            ):
                self.broken[segment_id] = f"segment {inner} is broken"
                return True
        return False

    def has_same(self, segment_id: UUID, name: str, criterion: Criterion) -> bool:
        """Return whether the definition of the segment is unchanged and names no other segments: these may have
        changed."""
        definition = self.all.get(segment_id)
        return (
            definition is not None
            and definition.name == name
            and self._criteria[segment_id] is criterion
            and not references(criterion).segments
        )

    def shared_leaves(self) -> dict[Criterion, Criterion]:
        """Return the leaves that are shared already; none if too many of them are of former definitions."""
        if len(self._leaves) > 4 * len(self._criteria) + 1000:
            return {}
        return self._leaves

    def concerned(self, names: Iterable[Name]) -> list[Definition]:
        """Return the segments whose members may change with a batch about these names."""
        segment_ids = {segment_id for name in names for segment_id in self._concerned.get(name, ())}
        return [self.all[segment_id] for segment_id in segment_ids]


def share_leaves(node: Criterion, leaves: dict[Criterion, Criterion]) -> Criterion:
    """Return the criterion with one object for all equal leaves, so that evaluators can compare by identity."""
    match node:
        case All(parts) | AnyOf(parts):
            return replace(node, parts=tuple(share_leaves(part, leaves) for part in parts))
        case Not(part):
            return replace(node, part=share_leaves(part, leaves))
        case InSegment(_, inner) if inner is not None:
            return replace(node, criterion=share_leaves(inner, leaves))
        case _:
            return leaves.setdefault(node, node)
