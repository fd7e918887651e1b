"""An audience and the content of its members, as set algebra on a slice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args
from uuid import UUID

from pydantic import BaseModel
from pyroaring import BitMap

from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.sampling import sample
from services.segmentation.domain.slice import CONSENT, DENIED, Slice
from shared.criteria import Criterion
from shared.criteria.content import FALLBACK, Block
from shared.events.labeling import Subscription

SUBSCRIBED = "subscribed"
# The subscriptions that suppress a contact. So does a missing one: the contact has not agreed to get mails.
REASONS: tuple[str, ...] = tuple(reason for reason in get_args(Subscription) if reason != SUBSCRIBED)
UNKNOWN = "unknown"
ERASED, CONSENT_DENIED = "erased", "consent_denied"


@dataclass(frozen=True, slots=True)
class Audience:
    """The contacts that satisfy one of `include` and none of `exclude`; segments in criteria are inlined.

    `hold_out_percent` of the contacts that are not suppressed are held out; this depends only on `hold_out_seed`.
    """

    include: Sequence[Criterion]
    exclude: Sequence[Criterion] = ()
    hold_out_percent: float = 0.0
    hold_out_seed: str = ""


@dataclass(slots=True)
class Selection:
    """The contacts (indexes of the slice) of an audience; each is in exactly one of the sets."""

    audience: BitMap = field(default_factory=BitMap)
    held_out: BitMap = field(default_factory=BitMap)
    suppressed: dict[str, BitMap] = field(default_factory=dict)


def hold_out_seed(campaign_id: UUID | None) -> str:
    """Return the seed of a campaign's hold-out; `campaign_id` is None for a campaign that does not exist yet."""
    return f"hold-out:{campaign_id or 'preview'}"


def subscribed(target: Slice) -> BitMap:
    """Return the known contacts that are subscribed."""
    column = target.attributes.get("subscription")
    return BitMap() if column is None else column.any_of([SUBSCRIBED], None) & target.known


def denied(target: Slice) -> BitMap:
    """Return the known contacts who have denied consent to tracking."""
    column = target.attributes.get(CONSENT)
    return BitMap() if column is None else column.any_of([DENIED], None) & target.known


def suppressed_of(target: Slice, contacts: BitMap) -> dict[str, BitMap]:
    """Return the suppressed contacts among these, by reason; reasons without contacts are omitted."""
    column = target.attributes.get("subscription")
    by_reason: dict[str, BitMap] = {}
    remaining = contacts - subscribed(target)
    for reason in REASONS:
        holders = BitMap() if column is None else column.any_of([reason], None) & remaining
        if holders:
            by_reason[reason] = holders
            remaining = remaining - holders
    if remaining:
        by_reason[UNKNOWN] = remaining
    return by_reason


def skipped_of(target: Slice, contacts: BitMap, denied_before: BitMap) -> dict[str, BitMap]:
    """Return the contacts of a frozen audience that must be skipped now, by reason; each has one reason.

    The contacts in `denied_before` had denied consent to tracking when the audience was frozen, and are not skipped for
    that; contacts that denied it later are.
    """
    erased = contacts - target.known
    withdrawn = (denied(target) - denied_before) & contacts & subscribed(target)
    reasons = {ERASED: erased, CONSENT_DENIED: withdrawn}
    reasons |= suppressed_of(target, contacts - erased - withdrawn)
    return {reason: skipped for reason, skipped in reasons.items() if skipped}


def select(evaluator: Evaluator, audience: Audience) -> Selection:
    """Return the contacts of a slice that are in an audience, held out, or suppressed."""
    included = BitMap()
    for criterion in audience.include:
        included |= evaluator.members(criterion)
    for criterion in audience.exclude:
        included -= evaluator.members(criterion)
    target = evaluator.target
    suppressed = suppressed_of(target, included)
    eligible = included & subscribed(target)
    held_out = BitMap()
    if audience.hold_out_percent > 0:
        held_out = sample(eligible, audience.hold_out_percent, audience.hold_out_seed, target)
    return Selection(eligible - held_out, held_out, suppressed)


def decide_for_many(evaluator: Evaluator, blocks: Sequence[Block], contacts: BitMap) -> Mapping[str, dict[str, BitMap]]:
    """Return the contacts by the variant that they get, for each block; the fallback is the empty text."""
    decided: dict[str, dict[str, BitMap]] = {}
    for block in blocks:
        remaining = contacts.copy()
        by_variant: dict[str, BitMap] = {}
        for variant in block.variants:
            members = evaluator.members(variant.criterion) & remaining
            by_variant[variant.name] = by_variant.get(variant.name, BitMap()) | members
            remaining = remaining - members
        by_variant[FALLBACK] = remaining
        decided[block.name] = by_variant
    return decided


PreviewStatus = Literal["audience", "held_out", "suppressed"]


class Subset(BaseModel):
    """The contacts behind one number of an audience: those with a status now.

    `reason` selects suppressed contacts; `block` and `variant` select contacts of the audience by what they get.
    """

    status: PreviewStatus
    reason: str | None = None
    block: str | None = None
    variant: str = FALLBACK


def subset_of(evaluator: Evaluator, audience: Audience, blocks: Sequence[Block], subset: Subset) -> BitMap:
    """Return the contacts of a slice that are in a subset of an audience."""
    selection = select(evaluator, audience)
    if subset.status == "held_out":
        return selection.held_out
    if subset.status == "suppressed":
        by_reason = selection.suppressed
        return _union(by_reason.values() if subset.reason is None else [by_reason.get(subset.reason, BitMap())])
    if subset.block is None:
        return selection.audience
    chosen_blocks = [block for block in blocks if block.name == subset.block]
    decided = decide_for_many(evaluator, chosen_blocks, selection.audience).values()
    return _union(by_variant.get(subset.variant, BitMap()) for by_variant in decided)


def _union(sets: Iterable[BitMap]) -> BitMap:
    return BitMap.union(BitMap(), *sets)


@dataclass(frozen=True, slots=True)
class PartCount:
    """The number of contacts that a part of an audience adds or removes, and of those that no other part does."""

    count: int
    only_here: int


def count_parts(evaluator: Evaluator, audience: Audience) -> list[PartCount]:
    """Count each part: those of `include`, then those of `exclude`, for which only included contacts are counted."""
    included = [evaluator.members(criterion) for criterion in audience.include]
    all_included = BitMap.union(*included) if included else BitMap()
    excluded = [evaluator.members(criterion) & all_included for criterion in audience.exclude]
    return [*_part_counts(included), *_part_counts(excluded)]


def _part_counts(parts: Sequence[BitMap]) -> list[PartCount]:
    counts: list[PartCount] = []
    for index, part in enumerate(parts):
        others = [other for other_index, other in enumerate(parts) if other_index != index]
        only = part - BitMap.union(*others) if others else part
        counts.append(PartCount(len(part), len(only)))
    return counts
