"""Ask how many contacts satisfy a criterion, who they are, and why one of them does or does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

from services.segmentation.domain.errors import Conflict, NotFound, SlicesUnavailable
from services.segmentation.domain.questions import (
    CountAnnounced,
    CountNodes,
    ExplainContact,
    ListMembers,
    PortableCriterion,
)
from services.segmentation.store.segments import Segment
from services.segmentation.use_cases.segments import Segments
from services.segmentation.use_cases.slice_owners import SliceOwners
from shared.criteria import Criterion, InvalidCriterion
from shared.criteria.references import walk
from shared.events.topics import partition_of


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """How many contacts each node of a criterion is true for, by pointer, the whole first; `took` is in seconds."""

    counts: Mapping[str, int]
    took: float

    @property
    def whole(self) -> int:
        """How many contacts the whole criterion is true for."""
        return next(iter(self.counts.values()))


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Ids of contacts, ascending, and how many there are in all."""

    contact_ids: list[int]
    total: int


@dataclass(frozen=True, slots=True)
class Criteria:
    """Questions about the contacts of an account."""

    segments: Segments
    owners: SliceOwners
    partitions: int

    async def portable(self, account_id: int, value: object) -> tuple[Criterion, PortableCriterion]:
        """Read a request's criterion with the segments that it needs. Raises InvalidCriterion."""
        others = await self.segments.criteria(account_id)
        criterion = await self.segments.read_criterion(account_id, value, others)
        return criterion, PortableCriterion.of(criterion, others)

    async def count(self, account_id: int, value: object) -> NodeCounts:
        """Count a request's criterion, node by node. Raises InvalidCriterion, SlicesUnavailable."""
        criterion, portable = await self.portable(account_id, value)
        started = perf_counter()
        answers = await self.owners.ask(account_id, CountNodes(asked=portable))
        totals = [sum(of_node) for of_node in zip(*answers.values(), strict=True)]
        pointers = [node.pointer for node in walk(criterion)]
        return NodeCounts(dict(zip(pointers, totals, strict=True)), perf_counter() - started)

    async def explain(self, account_id: int, value: object, contact_id: int) -> dict[str, Any]:
        """Return the tree with the truth of every node for one contact, and what it saw. Raises NotFound."""
        _, portable = await self.portable(account_id, value)
        partition = partition_of(account_id, contact_id, self.partitions)
        question = ExplainContact(asked=portable, contact_id=contact_id)
        tree: dict[str, Any] | None = (await self.owners.ask(account_id, question, partition))[partition]
        if tree is None:
            raise NotFound("There is no such contact.")
        return tree

    async def members(self, account_id: int, segment: Segment, after: int, limit: int) -> ContactPage:
        """Return members of a segment with ids above `after`. Raises Conflict if the segment is broken."""
        portable = PortableCriterion.of(segment.criterion, await self.segments.criteria(account_id))
        try:
            _ = portable.inlined
        except InvalidCriterion as invalid:
            raise Conflict(f"The segment is broken: {invalid}.") from None
        return await self._page(account_id, portable, after, limit)

    async def contacts(self, account_id: int, value: object, after: int, limit: int) -> ContactPage:
        """Return contacts that satisfy a request's criterion, with ids above `after`. Raises InvalidCriterion."""
        _, portable = await self.portable(account_id, value)
        return await self._page(account_id, portable, after, limit)

    async def _page(self, account_id: int, portable: PortableCriterion, after: int, limit: int) -> ContactPage:
        question = ListMembers(asked=portable, after=after, limit=limit)
        answers = (await self.owners.ask(account_id, question)).values()
        contact_ids = sorted(contact_id for answer in answers for contact_id in answer["contact_ids"])
        return ContactPage(contact_ids[:limit], sum(answer["count"] for answer in answers))

    async def count_members(self, account_id: int, question: CountNodes) -> int | None:
        """Count the members of a stored criterion; None while that is not possible, or if a segment is missing."""
        try:
            _ = question.asked.inlined
            answers = await self.owners.ask(account_id, question)
        except (InvalidCriterion, SlicesUnavailable):
            return None
        count: int = sum(nodes[0] for nodes in answers.values())
        return count

    async def question_about(self, account_id: int, segment_id: UUID) -> CountNodes:
        """Return the question that counts a segment's members. Raises NotFound."""
        segment = await self.segments.find(account_id, segment_id)
        criteria = await self.segments.criteria(account_id)
        return CountNodes(asked=PortableCriterion.of(segment.criterion, criteria))

    async def announced(self, account_id: int) -> dict[str, int] | None:
        """Return how many members each segment has, as announced; None while that cannot be had."""
        try:
            answers = await self.owners.ask(account_id, CountAnnounced())
        except SlicesUnavailable:
            return None
        counts: dict[str, int] = {}
        for answer in answers.values():
            for segment_id, count in answer.items():
                counts[segment_id] = counts.get(segment_id, 0) + count
        return counts
