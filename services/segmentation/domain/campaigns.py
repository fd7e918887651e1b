"""A campaign, the operations that its states allow, and its frozen audience in a slice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pyroaring import BitMap

from services.segmentation.domain.errors import Conflict
from services.segmentation.domain.portable import PortableAudience, PortableBlock
from services.segmentation.domain.snapshot_parts import pack, unpack
from shared.events.segmentation import CampaignState

OVER: tuple[CampaignState, ...] = ("done", "cancelled", "failed")
EDITABLE: tuple[CampaignState, ...] = ("draft", "scheduled")


def instant_of(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """Return a time in UTC; a time without an offset is in `zone`.

    Of a repeated local time it is the first. A skipped local time is moved forward by the length of the gap: 02:30
    becomes 03:30.
    """
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)


class Launch(BaseModel):
    """The facts that are fixed at the launch of a campaign."""

    revision: int
    audience: PortableAudience
    blocks: list[PortableBlock]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A stored campaign."""

    campaign_id: UUID
    account_id: int
    name: str
    version: int
    message_id: UUID
    include: list[Any]
    exclude: list[Any]
    hold_out_percent: float
    send_at: datetime | None
    expires_at: datetime | None
    state: CampaignState
    created_at: datetime
    changed_at: datetime
    reason: str | None = None
    launch: Launch | None = None
    launched_at: datetime | None = None

    def require(self, *states: CampaignState, action: str) -> None:
        """Raise Conflict unless the campaign is in one of the states. `action`: a participle, such as "launched"."""
        if self.state not in states:
            raise Conflict(f"A campaign that is {self.state} cannot be {action}.")


@dataclass(slots=True)
class Frozen:
    """The contacts (indexes of a slice) of a campaign at the time when the slice froze its part.

    `content` has the contacts of the audience by block and variant, `denied` those that had denied consent to tracking.
    `parts` has the contacts for whom each criterion of the audience was true: those of `include`, then those of
    `exclude`.
    """

    audience: BitMap = field(default_factory=BitMap)
    held_out: BitMap = field(default_factory=BitMap)
    suppressed: dict[str, BitMap] = field(default_factory=dict)
    content: Mapping[str, Mapping[str, BitMap]] = field(default_factory=dict)
    denied: BitMap = field(default_factory=BitMap)
    parts: Sequence[BitMap] = ()

    def dump(self) -> bytes:
        """Return the bitmaps as bytes with a checksum."""
        header = {
            "suppressed": list(self.suppressed),
            "content": {block: list(by_variant) for block, by_variant in self.content.items()},
            "parts": len(self.parts),
        }
        variants = (members for by_variant in self.content.values() for members in by_variant.values())
        bitmaps = [self.audience, self.held_out, *self.suppressed.values(), *variants, self.denied, *self.parts]
        return pack(header, map(_compressed, bitmaps))

    @classmethod
    def load(cls, body: bytes) -> "Frozen":
        """Read the bytes that `dump` wrote. Raises ValueError."""
        header, bitmaps = unpack(body)
        audience, held_out = next(bitmaps), next(bitmaps)
        suppressed = {reason: next(bitmaps) for reason in header["suppressed"]}
        content = {
            block: {variant: next(bitmaps) for variant in variants} for block, variants in header["content"].items()
        }
        if "parts" not in header:  # frozen by an earlier version
            return cls(audience, held_out, suppressed, content)
        denied = next(bitmaps)
        return cls(audience, held_out, suppressed, content, denied, [next(bitmaps) for _ in range(header["parts"])])

    def content_of(self, contact: int) -> dict[str, str]:
        """Return the variant of each block that a member of the audience gets."""
        return {
            block: next((variant for variant, members in by_variant.items() if contact in members), "")
            for block, by_variant in self.content.items()
        }

    def members_from(self, index: int, limit: int) -> BitMap:
        """Return at most `limit` members of the audience, from an index on."""
        start = self.audience.rank(index - 1) if index > 0 else 0
        return BitMap(self.audience[start : start + limit])


def _compressed(bitmap: BitMap) -> BitMap:
    """Return a compact copy of the bitmap with run-length encoding. The image keeps its own bitmaps."""
    copy = bitmap.copy()
    copy.run_optimize()
    return copy


def dump_skipped(skipped: Mapping[str, BitMap]) -> bytes:
    """Return the skipped contacts, by reason, as bytes."""
    return pack(list(skipped), map(_compressed, skipped.values()))


def load_skipped(body: bytes | None) -> dict[str, BitMap]:
    """Read the bytes that `dump_skipped` wrote; None means no contacts."""
    if body is None:
        return {}
    header, bitmaps = unpack(body)
    return dict(zip(header, bitmaps, strict=True))


@dataclass(frozen=True, slots=True)
class SliceProgress:
    """The progress of a campaign in a slice; `failed` says why the slice could not freeze its part."""

    partition: int
    frozen: Frozen | None
    as_of: object = None
    frozen_at: datetime | None = None
    failed: str | None = None
    next_index: int = 0
    skipped: Mapping[str, BitMap] = field(default_factory=dict)
    drained_at: datetime | None = None

    @property
    def handled(self) -> BitMap:
        """Members of the audience who were requested or skipped."""
        if self.frozen is None or self.next_index == 0:
            return BitMap()
        return BitMap(self.frozen.audience[: self.frozen.audience.rank(self.next_index - 1)])

    @property
    def requested(self) -> BitMap:
        """Members of the audience whose message was requested."""
        skipped = list(self.skipped.values())
        return self.handled - BitMap.union(*skipped) if skipped else self.handled

    def by_status(self) -> Iterator[tuple[str, str | None, BitMap]]:
        """Yield every contact of the campaign by status and reason; each is in exactly one of the sets."""
        if self.frozen is not None:
            yield "requested", None, self.requested
            yield "waiting", None, self.frozen.audience - self.handled
            yield "held_out", None, self.frozen.held_out
            for reason, contacts in self.skipped.items():
                yield "skipped", reason, contacts
            for reason, contacts in self.frozen.suppressed.items():
                yield "suppressed", reason, contacts
