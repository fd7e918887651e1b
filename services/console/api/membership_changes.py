"""List the contacts that entered and left a segment in the last days, or on one day."""

import asyncio
from uuid import UUID

from fastapi import Response

from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing
from services.console.api.page import OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.periods import PERIODS, period_of_day, start_of
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/segments/{segment_id}/changes", include_in_schema=False)

TYPES = ("SegmentEntered", "SegmentLeft")


@router.get("")
async def changes(page: OfAccount, segment_id: UUID) -> Response:
    """List the contacts that entered and left the segment, newest first."""
    filters = filters_of(page.request, "type", "days", "day")
    days = filters["days"] if filters["days"] in PERIODS else PERIODS[0]
    day_range = period_of_day(filters["day"])
    if not day_range:
        filters["day"] = ""
    segment, answer = await asyncio.gather(
        page.api.get("segmentation", f"/v1/segments/{segment_id}"),
        page.api.get(
            "segmentation",
            "/v1/membership-changes",
            segment_id=segment_id,
            **(day_range or {"since": start_of(int(days)).isoformat()}),
            type=filters["type"] if filters["type"] in TYPES else None,
            limit=PAGE,
            cursor=page.request.query_params.get("cursor"),
        ),
    )
    shown = listing(page.request, answer, filters)
    return page.show(
        "segment_changes.html",
        here="segments",
        segment=segment,
        list=shown,
        days=days,
        periods=PERIODS,
        people=await contacts_by_id(page.api, sorted({one["contact_id"] for one in shown.items})),
        reasons={
            "event": _("something happened"),
            "time": _("days passed"),
            "definition": _("the segment was changed"),
        },
    )
