"""Counts the clicks on the links of a message, in total or in the last days."""

from collections import Counter
from datetime import datetime, time, timedelta
from uuid import UUID

from services.console.api.formats import time_zone
from services.console.api.page import AccountPage

PERIODS = ("1", "7", "30")  # days, today included; none of them: ever


def period_of(page: AccountPage) -> str:
    """Return the number of days in the URL, "" for all."""
    asked = page.request.query_params.get("days", "")
    return asked if asked in PERIODS else ""


async def clicks_of_links(page: AccountPage, message_id: UUID) -> dict[str, Counter[str]]:
    """Return the clicks by verdict of each link by its id, in the days that the URL asks for."""
    period = period_of(page)
    if not period:
        stats = await page.api.get("tracking", f"/v1/messages/{message_id}/stats")
        return {one["link_id"]: Counter(one["clicks"]) for one in stats["links"]}
    first = datetime.now(time_zone.get()).date() - timedelta(days=int(period) - 1)
    since = datetime.combine(first, time(), time_zone.get()).isoformat()
    series = await page.api.get("tracking", f"/v1/messages/{message_id}/series", by="day", since=since)
    found: dict[str, Counter[str]] = {}
    for link in series["links"]:
        total = found.setdefault(link["link_id"], Counter())
        for one in link["periods"]:
            total.update(one["clicks"])
    return found
