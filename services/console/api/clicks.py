"""List the clicks of the last days on all messages."""

import asyncio

from fastapi import Response

from services.console.api.lists import PAGE, filters_of, listing
from services.console.api.names import load_names
from services.console.api.page import OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.periods import PERIODS, start_of
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/clicks", include_in_schema=False)


@router.get("")
async def clicks(page: OfAccount) -> Response:
    """List the clicks of the last days, newest first."""
    filters = filters_of(page.request, "verdict", "days")
    days = filters["days"] if filters["days"] in PERIODS else PERIODS[0]
    cursor = page.request.query_params.get("cursor")
    answer, names = await asyncio.gather(
        page.api.get(
            "tracking",
            "/v1/clicks",
            since=start_of(int(days)).isoformat(),
            verdict=filters["verdict"],
            limit=PAGE,
            cursor=cursor,
        ),
        load_names(page.api, "messages"),
    )
    shown = listing(page.request, answer, filters)
    return page.show(
        "clicks.html",
        here="",
        list=shown,
        names=names,
        days=days,
        periods=PERIODS,
        people=await contacts_by_id(page.api, sorted({click["contact_id"] for click in shown.items})),
    )
