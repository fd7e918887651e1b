"""What segmentation publishes: who enters and leaves a segment, and the catalog of segments."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from shared.events.envelope import CatalogEvent, ContactEvent, Instant, Optional, contract

Reason = Literal["event", "time", "definition"]


@contract
class SegmentEntered(ContactEvent):
    """The contact is a member of the segment from now on.

    `caused_at` is when the event that caused it happened, which may be long ago; `history` is that of this event.
    """

    name: ClassVar[str] = "SegmentEntered"
    topic: ClassVar[str] = "segmentation.memberships"

    segment_id: UUID
    segment_name: str
    reason: Reason
    caused_at: Optional[Instant] = None
    history: Optional[bool] = None


@contract
class SegmentLeft(ContactEvent):
    """The contact is no longer a member of the segment. `caused_at` and `history`: see `SegmentEntered`."""

    name: ClassVar[str] = "SegmentLeft"
    topic: ClassVar[str] = "segmentation.memberships"

    segment_id: UUID
    segment_name: str
    reason: Reason
    caused_at: Optional[Instant] = None
    history: Optional[bool] = None


@contract
class SegmentChanged(CatalogEvent):
    """A segment with its criterion (the long form of the grammar, see `shared.criteria`)."""

    name: ClassVar[str] = "SegmentChanged"
    topic: ClassVar[str] = "segmentation.catalog"

    segment_id: UUID
    segment_name: str
    segment_version: int
    criterion: dict[str, Any]
    state: Literal["active", "deleted"] = "active"

    @property
    def key(self) -> str:
        return f"segment:{self.segment_id}"


CampaignState = Literal[
    "draft", "scheduled", "launching", "sending", "paused", "done", "cancelled", "failed", "deleted"
]


@contract
class CampaignAudience:
    """Who a campaign is for: whoever satisfies one of `include` and none of `exclude` (long form of the grammar)."""

    include: tuple[dict[str, Any], ...]
    exclude: tuple[dict[str, Any], ...] = ()


@contract
class CampaignChanged(CatalogEvent):
    """A campaign with its audience and state. Requests of a campaign that is not `sending` or `done` are not sent."""

    name: ClassVar[str] = "CampaignChanged"
    topic: ClassVar[str] = "segmentation.catalog"

    campaign_id: UUID
    campaign_name: str
    campaign_version: int
    message_id: UUID
    revision: Optional[int] = None
    audience: CampaignAudience
    hold_out_percent: float
    state: CampaignState
    reason: Optional[str] = None
    send_at: Optional[Instant] = None
    expires_at: Optional[Instant] = None
    launched_at: Optional[Instant] = None

    @property
    def key(self) -> str:
        return f"campaign:{self.campaign_id}"

    @property
    def is_over(self) -> bool:
        """Whether nothing that it names is needed any more."""
        return self.state in ("done", "cancelled", "failed", "deleted")
