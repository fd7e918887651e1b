"""What came of a campaign: who got it, who did not and why, and what those who got it did."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.segmentation.domain.campaigns import Campaign, Progress
from services.segmentation.domain.errors import SlicesUnavailable
from services.segmentation.domain.lift import Lift, lift_of
from services.segmentation.domain.portable import PortableCriterion
from services.segmentation.domain.questions import CountNodes, CountWithin
from services.segmentation.use_cases.campaigns import Campaigns
from services.segmentation.use_cases.slice_owners import SliceOwners
from shared.criteria import parse
from shared.events.topics import partition_of
from shared.events.tracking import MessageChanged

KINDS = {
    "sent": "message.sent",
    "bounced": "message.bounced",
    "uncertain": "message.uncertain",
    "complained": "message.complained",
    "unsubscribed": "message.unsubscribed",
}


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Contacts of a campaign by what happened to them."""

    audience: int
    held_out: int
    requested: int
    skipped: Mapping[str, int]
    suppressed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Recipient:
    """What happened to one contact. `status`: requested, waiting, held_out, skipped, suppressed or not_included."""

    contact_id: int
    status: str
    reason: str | None = None
    content: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of contacts, and the criterion that lists them."""

    count: int
    criterion: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """Numbers of a campaign. Labels and links by id; variants by block."""

    requested: int
    numbers: Mapping[str, Counted]
    labels: Sequence[tuple[UUID, str, Counted]]
    links: Sequence[tuple[UUID, str, Counted]]
    variants: Mapping[str, Mapping[str, int]]
    lift: Mapping[str, Lift]


def counts_of(progress: Sequence[Progress]) -> CampaignCounts:
    """Add up what the slices have done."""
    totals = {"audience": 0, "held_out": 0, "requested": 0}
    skipped: dict[str, int] = {}
    suppressed: dict[str, int] = {}
    for one in progress:
        if one.frozen is None:
            continue
        totals["audience"] += len(one.frozen.audience)
        totals["held_out"] += len(one.frozen.held_out)
        totals["requested"] += len(one.requested)
        for counts, sets in ((skipped, one.skipped), (suppressed, one.frozen.suppressed)):
            for reason, contacts in sets.items():
                counts[reason] = counts.get(reason, 0) + len(contacts)
    return CampaignCounts(**totals, skipped=skipped, suppressed=suppressed)


@dataclass(frozen=True, slots=True)
class CampaignReports:
    """Reports and recipients of campaigns."""

    campaigns: Campaigns
    owners: SliceOwners
    partitions: int

    async def counts(self, campaign: Campaign) -> CampaignCounts:
        """Return the contacts of a campaign by what happened to them."""
        return counts_of(await self.campaigns.progress(campaign))

    async def recipients(self, campaign: Campaign, after: int, limit: int) -> list[Recipient]:
        """Return the contacts of a campaign with ids above `after`: all that it included, sent to or not."""
        found: list[Recipient] = []
        for progress in await self.campaigns.progress(campaign):
            first_contact = (progress.partition - campaign.account_id) % self.partitions
            for status, reason, contacts in progress.places():
                start = contacts.rank((after - first_contact) // self.partitions) if after >= first_contact else 0
                for index in contacts[start : start + limit]:
                    contact_id = index * self.partitions + first_contact
                    found.append(Recipient(contact_id, status, reason, _content(progress, status, index)))
        return sorted(found, key=lambda recipient: recipient.contact_id)[:limit]

    async def recipient(self, campaign: Campaign, contact_id: int) -> tuple[Recipient, Progress | None]:
        """Return what happened to one contact, and the part of the campaign that knows it."""
        number = partition_of(campaign.account_id, contact_id, self.partitions)
        index = contact_id // self.partitions
        for progress in await self.campaigns.progress(campaign):
            if progress.partition == number:
                for status, reason, contacts in progress.places():
                    if index in contacts:
                        return Recipient(contact_id, status, reason, _content(progress, status, index)), progress
                return Recipient(contact_id, "not_included"), progress
        return Recipient(contact_id, "not_included"), None

    async def report(self, campaign: Campaign) -> Report:
        """Return what came of a campaign. Raises SlicesUnavailable."""
        progress = await self.campaigns.progress(campaign)
        send = str(campaign.campaign_id)
        numbers = {
            name: await self._count(campaign, {"engaged": {"kind": kind, "send": send}}) for name, kind in KINDS.items()
        }
        clicked = {"clicks": {"send": send}}
        numbers["clicked"] = await self._count(campaign, clicked)
        message = self.campaigns.surroundings.catalog.find(MessageChanged, campaign.message_id)
        links: list[tuple[UUID, str, Counted]] = []
        labels: dict[UUID, str] = {}
        for link in message.links if message is not None else ():
            labels |= {label.id: label.name for label in link.labels}
            written = {"all": [clicked, {"clicks": {"link": str(link.id)}}]}
            links.append((link.id, link.url, await self._count(campaign, written)))
        gained = [
            (label_id, name, await self._count(campaign, self._gained(campaign, progress, label_id)))
            for label_id, name in labels.items()
        ]
        return Report(
            requested=counts_of(progress).requested,
            numbers=numbers,
            labels=gained,
            links=links,
            variants=_variants(progress),
            lift=await self.lift(campaign, progress),
        )

    def _gained(self, campaign: Campaign, progress: Sequence[Progress], label_id: UUID) -> dict[str, Any]:
        day = min((str(one.as_of) for one in progress if one.as_of is not None), default="1970-01-01")
        return {"all": [{"clicks": {"send": str(campaign.campaign_id)}}, {"label": {"id": str(label_id), "from": day}}]}

    async def _count(self, campaign: Campaign, written: dict[str, Any]) -> Counted:
        question = CountNodes(asked=PortableCriterion(criterion=written))
        answers = await self.owners.ask(campaign.account_id, question)
        return Counted(sum(nodes[0] for nodes in answers.values()), written)

    async def lift(self, campaign: Campaign, progress: Sequence[Progress]) -> dict[str, Lift]:
        """Compare those sent to with those held out: clicks on any message since the launch."""
        days = [str(one.as_of) for one in progress if one.as_of is not None]
        if not days:
            return {}
        asked = PortableCriterion(criterion={"clicks": {"from": min(days)}})
        parse(asked.criterion)
        totals = [0, 0, 0, 0]
        for one in progress:
            if one.frozen is None:
                continue
            for place, contacts in ((0, one.requested), (2, one.frozen.held_out)):
                within = base64.b64encode(contacts.serialize()).decode()
                question = CountWithin(asked=asked, contacts=within)
                try:
                    did = (await self.owners.ask(campaign.account_id, question, one.partition))[one.partition]
                except SlicesUnavailable:
                    return {}
                totals[place] += len(contacts)
                totals[place + 1] += did
        found = lift_of(totals[0], totals[1], totals[2], totals[3])
        return {} if found is None else {"clicked": found}


def _content(progress: Progress, status: str, index: int) -> dict[str, str] | None:
    if progress.frozen is None or status not in ("requested", "waiting", "skipped"):
        return None
    return progress.frozen.content_of(index)


def _variants(progress: Sequence[Progress]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in progress:
        requested = one.requested
        for block, by_variant in one.frozen.content.items() if one.frozen is not None else ():
            counts = found.setdefault(block, {})
            for variant, contacts in by_variant.items():
                counts[variant] = counts.get(variant, 0) + len(contacts & requested)
    return found
