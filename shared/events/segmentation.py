"""The events of segmentation: entries into and exits from segments, and the catalog of segments and campaigns."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.envelope import CatalogEvent, ContactEvent, Instant, Optional, contract

Reason = Literal["event", "time", "definition"]


@contract
class SegmentEntered(ContactEvent):
    """The contact is a member of the segment from now on.

    `caused_at` is the time of the event that caused the entry, which may be long ago; `history` is taken from that
    event.
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
    """A segment with its criterion, in the long form of the grammar (see `shared.criteria`)."""

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
    """The audience of a campaign: contacts that satisfy at least one of `include` and none of `exclude`."""

    include: Annotated[
        tuple[dict[str, Any], ...],
        Field(
            description="Contacts that satisfy one of these are included.",
            examples=[[{"segment": {"id": "0190c3d0-4455-7666-8777-8899aabbccdd"}}]],
        ),
    ]
    exclude: Annotated[
        tuple[dict[str, Any], ...], Field(description="Contacts that satisfy one of these are excluded.")
    ] = ()


@contract
class CampaignChanged(CatalogEvent):
    """A campaign with its audience and state. Delivery sends its requests only in the states `sending` and `done`."""

    name: ClassVar[str] = "CampaignChanged"
    topic: ClassVar[str] = "segmentation.catalog"

    campaign_id: UUID
    campaign_name: Annotated[str, Field(description="The name of the campaign.", examples=["Spring sale"])]
    campaign_version: Annotated[int, Field(description="Increases with every change.", examples=[2])]
    message_id: UUID
    revision: Optional[int] = None
    audience: Annotated[CampaignAudience, Field(description="The audience of the campaign.")]
    hold_out_percent: Annotated[
        float, Field(description="The share of the audience that is held out, in percent.", examples=[5])
    ]
    state: Annotated[CampaignState, Field(description="The state of the campaign.", examples=["sending"])]
    reason: Annotated[Optional[str], Field(description="Why it failed.")] = None
    send_at: Optional[Instant] = None
    expires_at: Optional[Instant] = None
    launched_at: Optional[Instant] = None

    @property
    def key(self) -> str:
        return f"campaign:{self.campaign_id}"

    @property
    def is_over(self) -> bool:
        """Whether the campaign no longer needs anything that it names."""
        return self.state in ("done", "cancelled", "failed", "deleted")
