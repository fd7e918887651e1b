"""`/v1/membership-changes`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from services.segmentation.api.refusals import refusals
from services.segmentation.api.state import State
from services.segmentation.store.membership_changes import LATEST, ChangeFilter, MembershipChange
from shared.events.segmentation import Reason
from shared.http.bodies import only_written_out
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.routing import Router

router = Router(tags=["segments"])

DEFAULT_PERIOD = timedelta(days=1)
Type = Literal["SegmentEntered", "SegmentLeft"]
Since = Annotated[
    Annotated[AwareDatetime, BeforeValidator(only_written_out)] | None,
    Query(description="The earliest time; 24 hours ago by default."),
]

Until = Annotated[
    Annotated[AwareDatetime, BeforeValidator(only_written_out)] | None,
    Query(description="Only changes before this time."),
]


class MembershipChangeOut(BaseModel):
    """A contact entered or left a segment."""

    at: Annotated[AwareDatetime, Field(description="When.", examples=["2026-03-02T09:30:00Z"])]
    type: Annotated[Type, Field(description="Whether the contact entered or left.", examples=["SegmentEntered"])]
    segment_id: Annotated[UUID, Field(description="The segment.", examples=["0190c3d0-4455-7666-8777-8899aabbccdd"])]
    contact_id: Annotated[int, Field(description="The contact.", examples=[42])]
    reason: Annotated[
        Reason, Field(description="`time`: a window moved. `definition`: the segment was changed.", examples=["event"])
    ]

    @classmethod
    def of(cls, change: MembershipChange) -> "MembershipChangeOut":
        """Return the answer for a change."""
        return cls(
            at=change.at,
            type="SegmentEntered" if change.enters else "SegmentLeft",
            segment_id=change.segment_id,
            contact_id=change.contact_id,
            reason=change.reason,
        )


@router.get("/v1/membership-changes", summary="List who entered and left segments")
async def list_membership_changes(
    request: Request,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    since: Since = None,
    until: Until = None,
    segment_id: Annotated[UUID | None, Query(description="Only changes of this segment.")] = None,
    change_type: Annotated[Type | None, Query(alias="type", description="Only entries, or only exits.")] = None,
) -> Page[MembershipChangeOut]:
    """List published entries into and exits from segments in a period, newest first."""
    state = State.of(request)
    enters = None if change_type is None else change_type == "SegmentEntered"
    change_filter = ChangeFilter(since or datetime.now(UTC) - DEFAULT_PERIOD, until or LATEST, segment_id, enters)
    key = page.key(datetime, UUID)
    before = None if key is None else (key[0], key[1])
    with refusals():
        changes = await state.segments.membership_changes(caller.account_id, change_filter, before, page.fetch)
    return Page[MembershipChangeOut].of(
        changes, page, key=lambda change: (change.at, change.event_id), item=MembershipChangeOut.of
    )
