"""List the contacts that entered and left a segment in the last days."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from fastapi import Response

from services.console.api.formats import time_zone
from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing
from services.console.api.page import OfAccount
from services.console.api.people import people_of
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/segments/{segment_id}/changes", include_in_schema=False)

PERIODS = ("1", "7", "30")  # days, today included
TYPES = ("SegmentEntered", "SegmentLeft")


def start_of(days: int) -> datetime:
    """Return when the first of the last `days` days of the account began; today is one of them."""
    first = datetime.now(time_zone.get()).date() - timedelta(days=days - 1)
    return datetime.combine(first, time(), time_zone.get()).astimezone(UTC)


@router.get("")
async def changes(page: OfAccount, segment_id: UUID) -> Response:
    """List the contacts that entered and left the segment, newest first."""
    filters = filters_of(page.request, "type", "days")
    days = filters["days"] if filters["days"] in PERIODS else PERIODS[0]
    segment, answer = await asyncio.gather(
        page.api.get("segmentation", f"/v1/segments/{segment_id}"),
        page.api.get(
            "segmentation",
            "/v1/membership-changes",
            segment_id=segment_id,
            since=start_of(int(days)).isoformat(),
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
        people=await people_of(page.api, sorted({one["contact_id"] for one in shown.items})),
        reasons={
            "event": _("something happened"),
            "time": _("days passed"),
            "definition": _("the segment was changed"),
        },
    )
