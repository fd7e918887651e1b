"""Counts audiences, and decides the content of contacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from services.segmentation.domain.audience import Subset, hold_out_seed
from services.segmentation.domain.errors import NotFound
from services.segmentation.domain.portable import PortableAudience, PortableBlock, PortableCriterion, PortableVariant
from services.segmentation.domain.questions import CountAudience, DecideContent, ListSubset
from services.segmentation.use_cases.contact_page import ContactPage
from services.segmentation.use_cases.segments import Segments
from services.segmentation.use_cases.slice_owners import SliceOwners
from services.segmentation.use_cases.validating import broken_segments
from shared.criteria import AccountLookup, Criterion, Fault, InvalidCriterion, parse, validate
from shared.criteria.content import FALLBACK
from shared.criteria.cost import MOST_COST, TOO_EXPENSIVE, cost_of
from shared.events.topics import partition_of
from shared.events.tracking import BlockVariant, MessageChanged
from shared.store.unit_of_work import MAX_DEFINITION_BYTES

log = structlog.get_logger()

# The reason for the limit: an audience is stored with every launched campaign, and sent to all owners of slices.
TOO_LARGE = f"the audience is too large; the limit, including the segments in it, is {MAX_DEFINITION_BYTES // 1000} kB"


@dataclass(frozen=True, slots=True)
class WrittenAudience:
    """An audience in a request. `campaign_id` decides which contacts are held out."""

    include: Sequence[object]
    exclude: Sequence[object] = ()
    hold_out_percent: float = 0.0
    campaign_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AudienceCounts:
    """The size of an audience. `parts`, by pointer, have a count, and the count of contacts in no other part."""

    count: int
    held_out: int
    suppressed: Mapping[str, int]
    parts: Mapping[str, tuple[int, int]]
    content: Mapping[str, Mapping[str, int]] | None


@dataclass(frozen=True, slots=True)
class Audiences:
    """Audiences and content of all accounts."""

    segments: Segments
    owners: SliceOwners
    partitions: int

    async def read(self, account_id: int, written: WrittenAudience, *, writing: bool = True) -> PortableAudience:
        """Parse and validate an audience of a request, or a stored one (not `writing`).

        Raises InvalidCriterion with JSON pointers that begin at the audience.
        """
        segments = await self.segments.criteria(account_id)
        faults: list[Fault] = []
        parts: dict[str, list[PortableCriterion]] = {"include": [], "exclude": []}
        for member, criteria in (("include", written.include), ("exclude", written.exclude)):
            for index, value in enumerate(criteria):
                try:
                    criterion = await self.segments.read_criterion(account_id, value, segments, writing=writing)
                except InvalidCriterion as invalid:
                    faults += [Fault(f"/{member}/{index}{fault.pointer}", fault.detail) for fault in invalid.faults]
                else:
                    parts[member].append(PortableCriterion.of(criterion, segments))
        # The parts of an audience are counted together, so they share one limit, like the nodes of a criterion.
        if writing and sum(cost_of(one.inlined) for criteria in parts.values() for one in criteria) > MOST_COST:
            faults.append(Fault("", TOO_EXPENSIVE))
        if sum(one.bytes for criteria in parts.values() for one in criteria) > MAX_DEFINITION_BYTES:
            faults.append(Fault("", TOO_LARGE))
        if faults:
            raise InvalidCriterion(tuple(faults))
        return PortableAudience(
            **parts, hold_out_percent=written.hold_out_percent, hold_out_seed=hold_out_seed(written.campaign_id)
        )

    async def count(self, account_id: int, written: WrittenAudience, message_id: UUID | None) -> AudienceCounts:
        """Count an audience. Raises InvalidCriterion, NotFound (the message), SlicesUnavailable."""
        audience = await self.read(account_id, written)
        blocks = [] if message_id is None else await self.blocks(account_id, message_id)
        question = CountAudience(audience=audience, blocks=blocks)
        answers = list((await self.owners.ask(account_id, question)).values())
        pointers = [f"/include/{index}" for index in range(len(audience.include))]
        pointers += [f"/exclude/{index}" for index in range(len(audience.exclude))]
        parts = {
            pointer: (
                sum(slice_counts["parts"][index][0] for slice_counts in answers),
                sum(slice_counts["parts"][index][1] for slice_counts in answers),
            )
            for index, pointer in enumerate(pointers)
        }
        return AudienceCounts(
            count=sum(slice_counts["count"] for slice_counts in answers),
            held_out=sum(slice_counts["held_out"] for slice_counts in answers),
            suppressed=_sum_by_name(slice_counts["suppressed"] for slice_counts in answers),
            parts=parts,
            content=None
            if message_id is None
            else {
                block.block: _sum_by_name(slice_counts["content"][block.block] for slice_counts in answers)
                for block in blocks
            },
        )

    async def contacts(
        self,
        account_id: int,
        written: WrittenAudience,
        message_id: UUID | None,
        subset: Subset,
        after: int,
        limit: int,
    ) -> ContactPage:
        """Return contacts of a subset of an audience with ids above `after`.

        Raises InvalidCriterion, NotFound (the message, or the block or variant in it), SlicesUnavailable.
        """
        audience = await self.read(account_id, written)
        blocks = [] if message_id is None else await self.blocks(account_id, message_id)
        if subset.block is not None:
            blocks = [block for block in blocks if block.block == subset.block]
            if not any(subset.variant in (FALLBACK, *(one.variant for one in block.variants)) for block in blocks):
                raise NotFound("The message has no such block, or the block has no such variant.")
        question = ListSubset(audience=audience, blocks=blocks, subset=subset, after=after, limit=limit)
        return ContactPage.of((await self.owners.ask(account_id, question)).values(), limit)

    async def find_message(self, account_id: int, message_id: UUID) -> MessageChanged:
        """Return a message that is not deleted. Raises NotFound."""
        catalog = self.segments.resources.catalog
        message = catalog.find(MessageChanged, message_id)
        if message is None:
            await catalog.refresh()
            message = catalog.find(MessageChanged, message_id)
        if message is None or message.account_id != account_id or message.state != "active":
            raise NotFound("There is no such message.")
        return message

    async def blocks(self, account_id: int, message_id: UUID) -> list[PortableBlock]:
        """Return a message's blocks; variants whose criterion is broken are never chosen. Raises NotFound."""
        message = await self.find_message(account_id, message_id)
        segments = await self.segments.criteria(account_id)
        return [
            PortableBlock(
                block=block.block,
                variants=[self._variant(account_id, variant, segments) for variant in block.variants],
            )
            for block in message.blocks
        ]

    def _variant(self, account_id: int, variant: BlockVariant, segments: Mapping[UUID, Criterion]) -> PortableVariant:
        if variant.criterion is None:
            return PortableVariant(variant=variant.variant)
        lookup = AccountLookup(self.segments.resources.catalog, account_id, segments.get)
        try:
            criterion = parse(variant.criterion)
        except InvalidCriterion:
            # Written by a later version of the grammar: for this version the variant is broken.
            return PortableVariant(variant=variant.variant)
        if validate(criterion, lookup, writing=False) or broken_segments(criterion, lookup):
            return PortableVariant(variant=variant.variant)
        return PortableVariant(variant=variant.variant, asked=PortableCriterion.of(criterion, segments))

    async def decide(
        self, account_id: int, message_id: UUID, contact_ids: Sequence[int], *, explain: bool
    ) -> list[dict[str, Any]]:
        """Return `contact_id`, `content` and, if explained, `why` of each contact, in order. Raises NotFound."""
        blocks = await self.blocks(account_id, message_id)
        by_partition: dict[int, list[int]] = {}
        for contact_id in contact_ids:
            by_partition.setdefault(partition_of(account_id, contact_id, self.partitions), []).append(contact_id)
        answers_by_contact: dict[int, Any] = {}
        for partition, ids in by_partition.items():
            question = DecideContent(blocks=blocks, contact_ids=ids, explain=explain)
            answers = (await self.owners.ask(account_id, question, partition))[partition]
            answers_by_contact |= {int(contact_id): answer for contact_id, answer in answers.items()}
        return [{"contact_id": contact_id} | answers_by_contact[contact_id] for contact_id in contact_ids]


def _sum_by_name(counts: Any) -> dict[str, int]:  # noqa: ANN401 (counts by name, as JSON)
    total: dict[str, int] = {}
    for by_name in counts:
        for name, number in by_name.items():
            total[name] = total.get(name, 0) + number
    return total
