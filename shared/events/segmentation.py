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
