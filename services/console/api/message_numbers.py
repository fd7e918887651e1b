"""Counts the clicks on the links of a message, in total or in the last days."""

from collections import Counter
from uuid import UUID

from services.console.api.page import AccountPage
from services.console.api.periods import PERIODS, start_of


def period_of(page: AccountPage) -> str:
    """Return the number of days in the URL as text, "" for all."""
    days = page.request.query_params.get("days", "")
    return days if days in PERIODS else ""


async def clicks_of_links(page: AccountPage, message_id: UUID) -> dict[str, Counter[str]]:
    """Return the clicks by verdict of each link by its id, in the days that the URL asks for."""
    period = period_of(page)
    if not period:
        stats = await page.api.get("tracking", f"/v1/messages/{message_id}/stats")
        return {link["link_id"]: Counter(link["clicks"]) for link in stats["links"]}
    since = start_of(int(period)).isoformat()
    series = await page.api.get("tracking", f"/v1/messages/{message_id}/series", by="day", since=since)
    clicks: dict[str, Counter[str]] = {}
    for link in series["links"]:
        of_link = clicks.setdefault(link["link_id"], Counter())
        for period_clicks in link["periods"]:
            of_link.update(period_clicks["clicks"])
    return clicks
