"""What segmentation publishes: who enters and leaves a segment, and the catalog of segments."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

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
    reason: Annotated[
        Reason, Field(description="`time`: a window moved. `definition`: the segment was changed.", examples=["event"])
    ]
    caused_at: Optional[Instant] = None
    history: Optional[bool] = None


@contract
class SegmentLeft(ContactEvent):
    """The contact is no longer a member of the segment. `caused_at` and `history`: see `SegmentEntered`."""

    name: ClassVar[str] = "SegmentLeft"
    topic: ClassVar[str] = "segmentation.memberships"

    segment_id: UUID
    segment_name: str
    reason: Annotated[
        Reason, Field(description="`time`: a window moved. `definition`: the segment was changed.", examples=["time"])
    ]
    caused_at: Optional[Instant] = None
    history: Optional[bool] = None


@contract
class SegmentChanged(CatalogEvent):
    """A segment with its criterion (the long form of the grammar, see `shared.criteria`)."""

    name: ClassVar[str] = "SegmentChanged"
    topic: ClassVar[str] = "segmentation.catalog"

    segment_id: UUID
    segment_name: str
    segment_version: Annotated[int, Field(description="Increases with every change.", examples=[2])]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="Who is a member, in the long form of the grammar.",
            examples=[{"clicks": {"label": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a", "at_least": 3, "within_days": 30}}],
        ),
    ]
    state: Annotated[Literal["active", "deleted"], Field(description="Whether the segment was deleted.")] = "active"

    @property
    def key(self) -> str:
        return f"segment:{self.segment_id}"


CampaignState = Literal[
    "draft", "scheduled", "launching", "sending", "paused", "done", "cancelled", "failed", "deleted"
]


@contract
class CampaignAudience:
    """Whom a campaign is for: contacts that satisfy one of `include` and none of `exclude` (in the long form)."""

    include: Annotated[
        tuple[dict[str, Any], ...],
        Field(
            description="Contacts that satisfy one of these are included.",
            examples=[[{"segment": {"id": "0190c3d0-4455-7666-8777-8899aabbccdd"}}]],
        ),
    ]
    exclude: Annotated[
        tuple[dict[str, Any], ...], Field(description="Contacts that satisfy one of these are left out.")
    ] = ()


@contract
class CampaignChanged(CatalogEvent):
    """A campaign with its audience and state. Requests of a campaign that is not `sending` or `done` are not sent."""

    name: ClassVar[str] = "CampaignChanged"
    topic: ClassVar[str] = "segmentation.catalog"

    campaign_id: UUID
    campaign_name: Annotated[str, Field(description="The name of the campaign.", examples=["Spring sale"])]
    campaign_version: Annotated[int, Field(description="Increases with every change.", examples=[2])]
    message_id: UUID
    revision: Optional[int] = None
    audience: Annotated[CampaignAudience, Field(description="Who the campaign is for.")]
    hold_out_percent: Annotated[
        float, Field(description="The share of the audience that is not sent to.", examples=[5])
    ]
    state: Annotated[CampaignState, Field(description="What the campaign is doing.", examples=["sending"])]
    reason: Annotated[Optional[str], Field(description="Why it failed.")] = None
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
