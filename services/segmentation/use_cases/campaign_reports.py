"""Reports of campaigns: what recipients did, compared with contacts who were held out."""

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.campaigns import Campaign, SliceProgress
from services.segmentation.domain.lift import MIN_HELD_OUT, Lift, lift_of
from services.segmentation.domain.portable import PortableCriterion
from services.segmentation.domain.questions import CountGroups, CountMachineClicks
from services.segmentation.use_cases.campaign_recipients import counts_of
from services.segmentation.use_cases.campaigns import Campaigns
from services.segmentation.use_cases.slice_owners import SliceOwners
from shared.events.tracking import MessageChanged, MessageLink

KINDS = {
    "sent": "message.sent",
    "bounced": "message.bounced",
    "refused": "message.refused",
    "skipped": "message.skipped",
    "uncertain": "message.uncertain",
    "complained": "message.complained",
    "unsubscribed": "message.unsubscribed",
}
CLICKED = "clicked"


@dataclass(frozen=True, slots=True)
class CriterionCount:
    """A number of contacts, and the criterion that lists them."""

    count: int
    criterion: dict[str, Any]


@dataclass(frozen=True, slots=True)
class VariantCounts:
    """The result of a variant of a block: contacts whose message was requested with it, and those who clicked in it."""

    block: str
    variant: str
    requested: int
    clicked: int


@dataclass(frozen=True, slots=True)
class Lifts:
    """The effect on clicks in any message since the launch, and on each label of the message."""

    clicked: Lift | None
    labels: Sequence[tuple[UUID, str, Lift]]


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of a campaign.

    `not_requested` has the contacts of the frozen audience that were skipped, by reason. `machine_clicks` are the
    numbers of clicks and of contacts.
    """

    requested: int
    not_requested: Mapping[str, int]
    held_out: int
    numbers: Mapping[str, CriterionCount]
    machine_clicks: tuple[int, int]
    labels: Sequence[tuple[UUID, str, CriterionCount]]
    links: Sequence[tuple[MessageLink, CriterionCount]]
    variants: Sequence[VariantCounts]
    lifts: Lifts


class _ReportCriteria:
    """The criteria whose contacts a report counts.

    `criteria` has them by purpose and name: ("number", name in the report), ("link", id), ("gained", label id) for
    contacts who clicked in the campaign and gained the label, ("since", label id) for all who gained it since the
    launch, and ("since", None) for all who clicked since the launch.
    """

    def __init__(self, campaign: Campaign, day: str, message: MessageChanged | None) -> None:
        send = str(campaign.campaign_id)
        self.clicked: dict[str, Any] = {"clicks": {"send": send}}
        self.links = list(message.links) if message is not None else []
        self.labels = {label.id: label.name for link in self.links for label in link.labels}
        self.criteria: dict[tuple[str, object], dict[str, Any]] = {
            **{("number", name): {"engaged": {"kind": kind, "send": send}} for name, kind in KINDS.items()},
            ("number", CLICKED): self.clicked,
            **{("link", link.id): {"all": [self.clicked, {"clicks": {"link": str(link.id)}}]} for link in self.links},
            ("since", None): {"clicks": {"from": day}},
        }
        for label_id in self.labels:
            gained = {"label": {"id": str(label_id), "from": day}}
            self.criteria["gained", label_id] = {"all": [self.clicked, gained]}
            self.criteria["since", label_id] = gained

    @property
    def names(self) -> list[tuple[str, object]]:
        return list(self.criteria)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Numbers of contacts by criterion: of all, of those requested, of those held out, and of each variant."""

    all_contacts: Mapping[tuple[str, object], int]
    requested: Mapping[tuple[str, object], int]
    held_out: Mapping[tuple[str, object], int]
    variants: Mapping[tuple[str, str], Mapping[tuple[str, object], int]]


@dataclass(frozen=True, slots=True)
class CampaignReports:
    """Reports of campaigns."""

    campaigns: Campaigns
    owners: SliceOwners
    partitions: int

    async def report(self, campaign: Campaign) -> Report:
        """Return the report of a campaign. Raises SlicesUnavailable."""
        progress = await self.campaigns.progress(campaign)
        criteria = self._criteria(campaign, progress)
        counts = await self._count(campaign, progress, criteria)
        machines = await self.owners.ask(campaign.account_id, CountMachineClicks(send_id=str(campaign.campaign_id)))

        def counted(kind: str, name: object) -> CriterionCount:
            return CriterionCount(counts.all_contacts[kind, name], criteria.criteria[kind, name])

        requested, held_out = _sizes(progress)
        return Report(
            requested=requested,
            not_requested=counts_of(progress).skipped,
            held_out=held_out,
            numbers={name: counted("number", name) for name in (*KINDS, CLICKED)},
            machine_clicks=(
                sum(of_slice[0] for of_slice in machines.values()),
                sum(of_slice[1] for of_slice in machines.values()),
            ),
            labels=[(label_id, name, counted("gained", label_id)) for label_id, name in criteria.labels.items()],
            links=[(link, counted("link", link.id)) for link in criteria.links],
            variants=_variants(progress, counts),
            lifts=_lifts(criteria, counts, requested, held_out),
        )

    async def lifts(self, campaign: Campaign) -> Lifts:
        """Return the effect of a campaign; `clicked` is None if too few contacts were held out.

        Raises SlicesUnavailable.
        """
        progress = await self.campaigns.progress(campaign)
        requested, held_out = _sizes(progress)
        if held_out < MIN_HELD_OUT:
            return Lifts(None, ())
        criteria = self._criteria(campaign, progress)
        return _lifts(criteria, await self._count(campaign, progress, criteria), requested, held_out)

    def _criteria(self, campaign: Campaign, progress: Sequence[SliceProgress]) -> _ReportCriteria:
        day = min((str(of_slice.as_of) for of_slice in progress if of_slice.as_of is not None), default="1970-01-01")
        message = self.campaigns.resources.catalog.find(MessageChanged, campaign.message_id)
        return _ReportCriteria(campaign, day, message)

    async def _count(self, campaign: Campaign, progress: Sequence[SliceProgress], criteria: _ReportCriteria) -> _Counts:
        """Ask every slice once for all criteria in all groups of contacts."""
        parts = {of_slice.partition: of_slice for of_slice in progress}
        portable = [PortableCriterion(criterion=criterion) for criterion in criteria.criteria.values()]
        groups = {number: list(_groups(parts.get(number))) for number in range(self.partitions)}

        async def ask(number: int) -> list[list[int]]:
            bitmaps = [base64.b64encode(contacts.serialize()).decode() for _, contacts in groups[number]]
            question = CountGroups(asked=portable, groups=bitmaps)
            counts_of_slice: list[list[int]] = (await self.owners.ask(campaign.account_id, question, number))[number]
            return counts_of_slice

        answers = await asyncio.gather(*map(ask, range(self.partitions)))
        totals: dict[object, list[int]] = {}
        for number, counts in enumerate(answers):
            for name, row in zip(("all_contacts", *(name for name, _ in groups[number])), counts, strict=True):
                before = totals.setdefault(name, [0] * len(portable))
                totals[name] = [total + more for total, more in zip(before, row, strict=True)]
        zeros = [0] * len(portable)
        by_name = {group: dict(zip(criteria.names, row, strict=True)) for group, row in totals.items()}
        all_zero = dict(zip(criteria.names, zeros, strict=True))
        return _Counts(
            by_name.get("all_contacts", all_zero),
            by_name.get("requested", all_zero),
            by_name.get("held_out", all_zero),
            {name: row for name, row in by_name.items() if isinstance(name, tuple)},
        )


def _groups(progress: SliceProgress | None) -> Iterator[tuple[object, BitMap]]:
    """Yield the groups of contacts that a slice is asked about, by name; variants are named by block and variant."""
    if progress is None or progress.frozen is None:
        return
    requested = progress.requested
    yield "requested", requested
    yield "held_out", progress.frozen.held_out
    for block, by_variant in progress.frozen.content.items():
        for variant, contacts in by_variant.items():
            yield (block, variant), contacts & requested


def _sizes(progress: Sequence[SliceProgress]) -> tuple[int, int]:
    """Return how many were requested, and how many were held out."""
    frozen = [of_slice for of_slice in progress if of_slice.frozen is not None]
    return sum(len(of_slice.requested) for of_slice in frozen), sum(
        len(of_slice.frozen.held_out) for of_slice in frozen if of_slice.frozen is not None
    )


def _variants(progress: Sequence[SliceProgress], counts: _Counts) -> list[VariantCounts]:
    sizes: dict[tuple[str, str], int] = {}
    for of_slice in progress:
        for name, contacts in _groups(of_slice):
            if isinstance(name, tuple):
                sizes[name] = sizes.get(name, 0) + len(contacts)
    return [
        VariantCounts(block, variant, size, counts.variants[block, variant]["number", CLICKED])
        for (block, variant), size in sizes.items()
    ]


def _lifts(criteria: _ReportCriteria, counts: _Counts, requested: int, held_out: int) -> Lifts:
    def lift(name: object) -> Lift | None:
        return lift_of(requested, counts.requested["since", name], held_out, counts.held_out["since", name])

    labels = [
        (label_id, name, label_lift) for label_id, name in criteria.labels.items() if (label_lift := lift(label_id))
    ]
    return Lifts(lift(None), labels)
