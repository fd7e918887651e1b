"""Counts and lists the contacts that satisfy a criterion, and explains it for one contact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from time import perf_counter
from typing import Any
from uuid import UUID

from services.segmentation.domain.errors import NotFound, SlicesUnavailable, TooMany
from services.segmentation.domain.portable import PortableCriterion
from services.segmentation.domain.questions import (
    CountAnnounced,
    CountNodes,
    ExplainContact,
    LabelInterest,
    ListAnnounced,
    ListEngagements,
    ListMembers,
    SamplePage,
)
from services.segmentation.store.segments import Segment
from services.segmentation.use_cases.contact_page import ContactPage
from services.segmentation.use_cases.naming import CatalogNames
from services.segmentation.use_cases.segments import Segments
from services.segmentation.use_cases.slice_owners import SliceOwners
from shared.criteria import AccountLookup, Criterion
from shared.criteria.describing import Language, describe
from shared.criteria.references import walk
from shared.events.topics import partition_of


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """The number of contacts for each node of a criterion, by pointer, the root first; `took` is in seconds."""

    counts: Mapping[str, int]
    took: float

    @property
    def root(self) -> int:
        """The number of contacts for which the criterion is true."""
        return next(iter(self.counts.values()))


@dataclass(frozen=True, slots=True)
class Interest:
    """Clicks and contacts by day, and contacts by number of clicks."""

    days: Mapping[date, tuple[int, int]]
    strengths: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Criteria:
    """Queries about the contacts of an account."""

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
        """Return the tree with the truth of every node for one contact, and the values read. Raises NotFound."""
        _, portable = await self.portable(account_id, value)
        partition = partition_of(account_id, contact_id, self.partitions)
        question = ExplainContact(asked=portable, contact_id=contact_id)
        tree: dict[str, Any] | None = (await self.owners.ask(account_id, question, partition))[partition]
        if tree is None:
            raise NotFound("There is no such contact.")
        return tree

    async def members(self, account_id: int, segment: Segment, after: int, limit: int) -> ContactPage:
        """Return members of a segment with ids above `after`; those of a broken segment are the announced ones."""
        others = await self.segments.criteria(account_id)
        if self.segments.faults(account_id, segment, others):
            return await self._page(
                account_id, ListAnnounced(segment_id=segment.segment_id, after=after, limit=limit), limit
            )
        return await self._page(
            account_id, _members_question(PortableCriterion.of(segment.criterion, others), after, limit), limit
        )

    async def contacts(self, account_id: int, value: object, after: int, limit: int) -> ContactPage:
        """Return contacts that satisfy a request's criterion, with ids above `after`. Raises InvalidCriterion."""
        _, portable = await self.portable(account_id, value)
        return await self._page(account_id, _members_question(portable, after, limit), limit)

    async def _page(self, account_id: int, question: ListMembers | ListAnnounced, limit: int) -> ContactPage:
        return ContactPage.of((await self.owners.ask(account_id, question)).values(), limit)

    async def describe(self, account_id: int, value: object, language: Language) -> str:
        """Return a sentence that says what a request's criterion means. Raises InvalidCriterion."""
        criterion, _ = await self.portable(account_id, value)
        return describe(criterion, language, CatalogNames(self.segments.resources.catalog, account_id))

    async def sample(self, account_id: int, segment: Segment, limit: int) -> list[int]:
        """Return the ids of a few members of a segment, spread over all of them."""
        others = await self.segments.criteria(account_id)
        if self.segments.faults(account_id, segment, others):
            return []
        question = SamplePage(asked=PortableCriterion.of(segment.criterion, others), limit=limit)
        answers = (await self.owners.ask(account_id, question)).values()
        # Take one from each slice in turn, so that no slice is preferred.
        taken = [contact_id for turn in zip_longest(*answers) for contact_id in turn if contact_id is not None]
        return sorted(taken[:limit])

    async def interest(self, account_id: int, label_id: UUID, first: date | None, last: date | None) -> Interest:
        """Return the clicks on a label by day and strength. Raises NotFound."""
        lookup = AccountLookup(self.segments.resources.catalog, account_id)
        if lookup.label(label_id) == "unknown":
            raise NotFound("There is no such label.")
        question = LabelInterest(
            label_id=label_id,
            first=first.toordinal() if first else 0,
            last=last.toordinal() if last else date.max.toordinal(),
        )
        days: dict[int, tuple[int, int]] = {}
        strengths: dict[int, int] = {}
        for answer in (await self.owners.ask(account_id, question)).values():
            for day, (clicks, contacts) in answer["days"].items():
                before = days.get(int(day), (0, 0))
                days[int(day)] = (before[0] + clicks, before[1] + contacts)
            for clicks, contacts in answer["strengths"].items():
                strengths[int(clicks)] = strengths.get(int(clicks), 0) + contacts
        return Interest(
            {date.fromordinal(day): days[day] for day in sorted(days)},
            {clicks: strengths[clicks] for clicks in sorted(strengths)},
        )

    async def engagements(self, account_id: int) -> list[tuple[str, str | None]]:
        """Return the kinds of engagements with their references, sorted."""
        answers = (await self.owners.ask(account_id, ListEngagements())).values()
        kinds = {(kind, ref) for answer in answers for kind, ref in answer}
        return sorted(kinds, key=lambda pair: (pair[0], pair[1] or ""))

    async def count_members(self, account_id: int, question: CountNodes | ListAnnounced) -> int | None:
        """Return the answer to a question of `question_about`; None while slices are unavailable."""
        try:
            answers = await self.owners.ask(account_id, question)
        except (SlicesUnavailable, TooMany):
            return None
        if isinstance(question, ListAnnounced):
            return sum(int(answer["count"]) for answer in answers.values())
        return sum(int(nodes[0]) for nodes in answers.values())

    async def question_about(self, account_id: int, segment: Segment) -> CountNodes | ListAnnounced:
        """Return the question that counts a segment's members; for a broken segment, the announced ones."""
        others = await self.segments.criteria(account_id)
        if self.segments.faults(account_id, segment, others):
            return ListAnnounced(segment_id=segment.segment_id, limit=0)
        return CountNodes(asked=PortableCriterion.of(segment.criterion, others))

    async def announced(self, account_id: int) -> dict[str, int] | None:
        """Return the announced number of members of each segment; None while slices are unavailable."""
        try:
            answers = await self.owners.ask(account_id, CountAnnounced())
        except (SlicesUnavailable, TooMany):
            return None
        counts: dict[str, int] = {}
        for answer in answers.values():
            for segment_id, count in answer.items():
                counts[segment_id] = counts.get(segment_id, 0) + count
        return counts


def _members_question(portable: PortableCriterion, after: int, limit: int) -> ListMembers:
    return ListMembers(asked=portable, after=after, limit=limit)
