"""Finds the recipients of a campaign, and the reasons why other contacts did not get it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.campaigns import Campaign, SliceProgress
from services.segmentation.domain.portable import PortableCriterion
from services.segmentation.domain.questions import ListMembers
from services.segmentation.use_cases.campaigns import Campaigns
from services.segmentation.use_cases.slice_owners import SliceOwners
from shared.events.topics import partition_of

CLICKED_PER_QUESTION = 1_000  # contacts who clicked, in one answer of a slice


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Numbers of a campaign's contacts by outcome."""

    audience: int
    held_out: int
    requested: int
    skipped: Mapping[str, int]
    suppressed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """The outcome for one contact. `status`: requested, waiting, held_out, skipped, suppressed or not_included."""

    contact_id: int
    status: str
    reason: str | None = None
    content: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RecipientFilter:
    """A filter of recipients; None means no filter. `variant` is of `block`, empty for its fallback."""

    statuses: Collection[str] | None = None
    reason: str | None = None
    block: str | None = None
    variant: str = ""
    clicked: bool = False

    def sets(self, progress: SliceProgress) -> Iterator[tuple[str, str | None, BitMap]]:
        """Yield the contacts of a slice that satisfy the filter, except for `clicked`, by status and reason."""
        for status, reason, contacts in progress.by_status():
            if (self.statuses is None or status in self.statuses) and self.reason in (None, reason):
                yield status, reason, self._with_variant(progress, contacts)

    def _with_variant(self, progress: SliceProgress, contacts: BitMap) -> BitMap:
        if self.block is None or progress.frozen is None:
            return contacts
        return contacts & progress.frozen.content.get(self.block, {}).get(self.variant, BitMap())


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a criterion of the audience was true for a contact when it was frozen."""

    pointer: str
    criterion: dict[str, Any]
    segments: Mapping[UUID, dict[str, Any]]
    truth: bool


def counts_of(progress: Sequence[SliceProgress]) -> CampaignCounts:
    """Add up the progress of slices."""
    totals = {"audience": 0, "held_out": 0, "requested": 0}
    skipped: dict[str, int] = {}
    suppressed: dict[str, int] = {}
    for slice_progress in progress:
        if slice_progress.frozen is None:
            continue
        totals["audience"] += len(slice_progress.frozen.audience)
        totals["held_out"] += len(slice_progress.frozen.held_out)
        totals["requested"] += len(slice_progress.requested)
        for counts, sets in ((skipped, slice_progress.skipped), (suppressed, slice_progress.frozen.suppressed)):
            for reason, contacts in sets.items():
                counts[reason] = counts.get(reason, 0) + len(contacts)
    return CampaignCounts(**totals, skipped=skipped, suppressed=suppressed)


@dataclass(frozen=True, slots=True)
class CampaignRecipients:
    """Finds recipients of campaigns in the frozen parts of slices."""

    campaigns: Campaigns
    owners: SliceOwners
    partitions: int

    async def counts(self, campaign: Campaign) -> CampaignCounts:
        """Return the numbers of a campaign's contacts by outcome."""
        return counts_of(await self.campaigns.progress(campaign))

    async def recipients(
        self, campaign: Campaign, recipient_filter: RecipientFilter, after: int, limit: int
    ) -> tuple[list[RecipientReport], int | None]:
        """Return at most `limit` recipients with ids above `after`, and the total number that satisfy the filter.

        If the filter has `clicked`, the total is None, and SlicesUnavailable may be raised.
        """
        parts = await self.campaigns.progress(campaign)
        if recipient_filter.clicked:
            return await self._clicked(campaign, recipient_filter, parts, after, limit), None
        recipients: list[RecipientReport] = []
        total = 0
        for progress in parts:
            first_contact = (progress.partition - campaign.account_id) % self.partitions
            for status, reason, contacts in recipient_filter.sets(progress):
                total += len(contacts)
                start = contacts.rank((after - first_contact) // self.partitions) if after >= first_contact else 0
                for index in contacts[start : start + limit]:
                    contact_id = index * self.partitions + first_contact
                    recipients.append(RecipientReport(contact_id, status, reason, _content(progress, status, index)))
        return sorted(recipients, key=lambda recipient: recipient.contact_id)[:limit], total

    async def _clicked(
        self,
        campaign: Campaign,
        recipient_filter: RecipientFilter,
        parts: Sequence[SliceProgress],
        after: int,
        limit: int,
    ) -> list[RecipientReport]:
        """Read the contacts who clicked in the send, by id, and return those that satisfy the filter."""
        sets = {progress.partition: (progress, list(recipient_filter.sets(progress))) for progress in parts}
        criterion = PortableCriterion(criterion={"clicks": {"send": str(campaign.campaign_id)}})
        recipients: list[RecipientReport] = []
        while len(recipients) < limit:
            question = ListMembers(asked=criterion, after=after, limit=CLICKED_PER_QUESTION)
            answers = (await self.owners.ask(campaign.account_id, question)).values()
            clicked = sorted(contact_id for answer in answers for contact_id in answer["contact_ids"])
            if not clicked:
                break
            clicked = clicked[:CLICKED_PER_QUESTION]
            after = clicked[-1]
            for contact_id in clicked:
                part = sets.get(partition_of(campaign.account_id, contact_id, self.partitions))
                if part is None:
                    continue
                progress, contact_sets = part
                index = contact_id // self.partitions
                recipients += [
                    RecipientReport(contact_id, status, reason, _content(progress, status, index))
                    for status, reason, contacts in contact_sets
                    if index in contacts
                ]
        return recipients[:limit]

    async def recipient(self, campaign: Campaign, contact_id: int) -> tuple[RecipientReport, SliceProgress | None]:
        """Return the outcome for one contact, and the frozen part that contains it."""
        number = partition_of(campaign.account_id, contact_id, self.partitions)
        index = contact_id // self.partitions
        for progress in await self.campaigns.progress(campaign):
            if progress.partition == number:
                for status, reason, contacts in progress.by_status():
                    if index in contacts:
                        return RecipientReport(contact_id, status, reason, _content(progress, status, index)), progress
                return RecipientReport(contact_id, "not_included"), progress
        return RecipientReport(contact_id, "not_included"), None


def _content(progress: SliceProgress, status: str, index: int) -> dict[str, str] | None:
    if progress.frozen is None or status not in ("requested", "waiting", "skipped"):
        return None
    return progress.frozen.content_of(index)


def truths_of(campaign: Campaign, progress: SliceProgress | None, contact_id: int, partitions: int) -> list[Truth]:
    """Return whether each criterion of the audience was true for a contact at the freeze; empty if that is unknown."""
    if campaign.launch is None or progress is None or progress.frozen is None or not progress.frozen.parts:
        return []
    audience = campaign.launch.audience
    criteria: list[tuple[str, PortableCriterion]] = [
        (f"/{member}/{index}", criterion)
        for member, parts in (("include", audience.include), ("exclude", audience.exclude))
        for index, criterion in enumerate(parts)
    ]
    contact = contact_id // partitions
    return [
        Truth(pointer, criterion.criterion, criterion.segments, contact in members)
        for (pointer, criterion), members in zip(criteria, progress.frozen.parts, strict=True)
    ]
