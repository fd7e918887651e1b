"""The segments of an account as they are evaluated: inlined, with what concerns them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from services.segmentation.domain.concerns import concerns
from services.segmentation.domain.slice import Name
from shared.criteria import Criterion, InvalidCriterion, inline_segments, moves_with_the_day
from shared.criteria.grammar import All, AnyOf, InSegment, Not


@dataclass(frozen=True, slots=True)
class Definition:
    """One segment. `fingerprint` tells two definitions apart that can have other members, and nothing else."""

    segment_id: UUID
    name: str
    criterion: Criterion
    fingerprint: bytes
    moves: bool


class Definitions:
    """All segments of an account that can be evaluated.

    `suspended`: those that cannot, since a segment in them is missing; whoever was a member stays one until then.
    """

    def __init__(self, zone: str, segments: Mapping[UUID, tuple[str, Criterion]]) -> None:
        self.zone = zone
        self.all: dict[UUID, Definition] = {}
        self.suspended: set[UUID] = set()
        self._concerned: dict[Name, list[UUID]] = {}
        leaves: dict[Criterion, Criterion] = {}
        criteria = {segment_id: criterion for segment_id, (_, criterion) in segments.items()}
        for segment_id, (name, criterion) in segments.items():
            try:
                whole = inline_segments(criterion, criteria.get)
            except InvalidCriterion:
                self.suspended.add(segment_id)
                continue
            # Other days are other members, so the zone is a part of what a definition means.
            fingerprint = sha256(f"{zone} {whole!r}".encode("utf-8", "surrogatepass")).digest()[:16]
            shared = share_leaves(whole, leaves)
            self.all[segment_id] = Definition(segment_id, name, shared, fingerprint, moves_with_the_day(whole))
            for name_of_concern in concerns(whole):
                self._concerned.setdefault(name_of_concern, []).append(segment_id)

    def concerned(self, about: Iterable[Name]) -> list[Definition]:
        """The segments whose members may be others after a batch about these names."""
        found = {segment_id for name in about for segment_id in self._concerned.get(name, ())}
        return [self.all[segment_id] for segment_id in found]


def share_leaves(node: Criterion, leaves: dict[Criterion, Criterion]) -> Criterion:
    """The same criterion, with one object for all equal leaves: so that an evaluation can tell them by identity."""
    match node:
        case All(parts) | AnyOf(parts):
            return replace(node, parts=tuple(share_leaves(part, leaves) for part in parts))
        case Not(part):
            return replace(node, part=share_leaves(part, leaves))
        case InSegment(_, inner) if inner is not None:
            return replace(node, criterion=share_leaves(inner, leaves))
        case _:
            return leaves.setdefault(node, node)
