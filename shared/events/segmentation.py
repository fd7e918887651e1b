"""What segmentation publishes: who enters and leaves a segment, and the catalog of segments."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from shared.events.envelope import CatalogEvent, ContactEvent, contract

Reason = Literal["event", "time", "definition"]


@contract
class SegmentEntered(ContactEvent):
    """The contact is a member of the segment from now on."""

    name: ClassVar[str] = "SegmentEntered"
    topic: ClassVar[str] = "segmentation.memberships"

    segment_id: UUID
    segment_name: str
    reason: Reason


@contract
class SegmentLeft(ContactEvent):
    """The contact is no longer a member of the segment."""

    name: ClassVar[str] = "SegmentLeft"
    topic: ClassVar[str] = "segmentation.memberships"

    segment_id: UUID
    segment_name: str
    reason: Reason


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
