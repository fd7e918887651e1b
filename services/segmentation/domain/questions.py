"""What can be asked of a slice, and the answer that a slice gives. They also travel between processes, as JSON."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.contact_facts import SliceFacts
from services.segmentation.domain.evaluator import Evaluator
from shared.criteria import Criterion, evaluate, inline_segments, parse, references, write
from shared.criteria.grammar import Clicked, Engaged, HoldsLabel
from shared.criteria.references import walk

MOST_KEPT = 200  # sums over days per slice and day, of about 30 kB at 100,000 contacts


class PortableCriterion(BaseModel):
    """A criterion as it travels: written, with the criteria of all segments in it, by their ids."""

    criterion: dict[str, Any]
    segments: dict[UUID, dict[str, Any]] = {}

    @classmethod
    def of(cls, criterion: Criterion, segments: Mapping[UUID, Criterion]) -> "PortableCriterion":
        """Take along what the criterion needs of the account's segments."""
        needed: dict[UUID, dict[str, Any]] = {}
        waiting = [criterion]
        while waiting:
            for segment_id in references(waiting.pop()).segments:
                if segment_id not in needed and segment_id in segments:
                    needed[segment_id] = write(segments[segment_id])
                    waiting.append(segments[segment_id])
        return cls(criterion=write(criterion), segments=needed)

    @cached_property
    def inlined(self) -> Criterion:
        """The criterion to evaluate. Raises InvalidCriterion if a segment is missing."""
        segments = {segment_id: parse(written) for segment_id, written in self.segments.items()}
        return inline_segments(parse(self.criterion), segments.get)


class CountNodes(BaseModel):
    """How many contacts each node of a criterion is true for, parents first; the first is the whole."""

    kind: Literal["count"] = "count"
    asked: PortableCriterion


class ListMembers(BaseModel):
    """The first contacts with an id above `after`, at most `limit`, and how many there are in all."""

    kind: Literal["members"] = "members"
    asked: PortableCriterion
    after: int = 0
    limit: int


class ExplainContact(BaseModel):
    """What a criterion sees of one contact; null if the contact is not known."""

    kind: Literal["explain"] = "explain"
    asked: PortableCriterion
    contact_id: int


class CountAnnounced(BaseModel):
    """How many members each segment has, as announced."""

    kind: Literal["announced"] = "announced"


class ListAnnounced(BaseModel):
    """The first announced members of a segment with an id above `after`, at most `limit`, and how many there are."""

    kind: Literal["announced_members"] = "announced_members"
    segment_id: UUID
    after: int = 0
    limit: int


Question = Annotated[
    CountNodes | ListMembers | ExplainContact | CountAnnounced | ListAnnounced, Field(discriminator="kind")
]


def answer(question: Question, account: AccountSlice | None, partition: int, partitions: int, account_id: int) -> Any:  # noqa: ANN401 (JSON)
    """A slice's answer, as JSON values; `account` is None if the account has no contacts there."""
    match question:
        case CountNodes(asked=asked):
            nodes = list(walk(asked.inlined))
            if account is None:
                return [0] * len(nodes)
            # A marketer who is typing asks the same windows again and again.
            evaluator = Evaluator(account.image, keep=account.image.asked < MOST_KEPT)
            account.image.asked += sum(isinstance(node, Clicked | Engaged | HoldsLabel) for node in nodes)
            return [len(evaluator.members(node)) for node in nodes]
        case ListMembers(asked=asked, after=after, limit=limit):
            if account is None:
                return {"contact_ids": [], "count": 0}
            members = Evaluator(account.image).members(asked.inlined)
            return _page(members, after, limit, (partition - account_id) % partitions, partitions)
        case ListAnnounced(segment_id=segment_id, after=after, limit=limit):
            membership = None if account is None else account.memberships.get(segment_id)
            announced = BitMap() if membership is None else membership.announced
            return _page(announced, after, limit, (partition - account_id) % partitions, partitions)
        case ExplainContact(asked=asked, contact_id=contact_id):
            return None if account is None else _explain(asked, account, contact_id // partitions)
        case CountAnnounced():
            memberships = account.memberships if account is not None else {}
            return {str(segment_id): len(membership.announced) for segment_id, membership in memberships.items()}


def _page(members: BitMap, after: int, limit: int, rest: int, partitions: int) -> dict[str, Any]:
    # The smallest index whose contact id is above `after`.
    first = max(0, (after - rest) // partitions + 1)
    start = members.rank(first - 1) if first > 0 else 0
    contact_ids = [index * partitions + rest for index in members[start : start + limit]]
    return {"contact_ids": contact_ids, "count": len(members)}


def _explain(asked: PortableCriterion, account: AccountSlice, index: int) -> dict[str, Any] | None:
    sight = SliceFacts(account.image, index)
    if not sight.known:
        return None
    return evaluate(asked.inlined, sight, account.day).tree()
