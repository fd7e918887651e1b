"""Checks the rows of a file of old clicks before they are sent."""

from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from ipaddress import ip_address
from typing import Any

from deploy.command_line.click_rows import ClickFileRow, Report
from deploy.command_line.client import ApiProblem, Client
from shared.urls import without_campaign

Links = Mapping[str, str]  # URLs by the id of the link


class RowChecks:
    """Checks rows against the key's account and the links of messages; each message is requested once.

    Reports for Kafka name their account; over HTTP the key determines the account.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        # Requested only if a row names an account, because a key without the scope `read` may not request it.
        self._account_id: int | None = None
        self._links: dict[str, Links] = {}

    async def check(self, row: ClickFileRow) -> ClickFileRow:
        """Return the row without its account, or, if it is wrong, with the problem."""
        if row.report is None:
            return row
        report = dict(row.report)
        problem = await self._account(report) or _network_address(report) or await self._link(report)
        return replace(row, report=report) if problem is None else replace(row, report=None, problem=problem)

    async def _account(self, report: Report) -> str | None:
        if "account_id" not in report:
            return None
        if self._account_id is None:
            self._account_id = (await self._client.get("labeling", "/v1/account"))["account_id"]
        account_id = report.pop("account_id")
        if account_id == self._account_id:
            return None
        return f"belongs to account {account_id}, but the key belongs to account {self._account_id}"

    async def _link(self, report: Report) -> str | None:
        """Return a problem if a row names both a link and a URL that is not the link's."""
        link_id, url = report.get("link_id"), report.get("url")
        if not isinstance(link_id, str) or not isinstance(url, str):
            return None
        url_of_link = (await self._links_of(str(report.get("message_id")))).get(link_id.lower())
        if url_of_link is None or without_campaign(unescape(url.strip())) == without_campaign(url_of_link):
            return None  # the service reports unknown links
        return f"has the link {link_id} and the URL {url}, but that link leads to {url_of_link}"

    async def _links_of(self, message_id: str) -> Links:
        if message_id not in self._links:
            found: dict[str, str] = {}
            try:
                async for link in self._client.items("tracking", f"/v1/messages/{message_id}/links", vanished="true"):
                    found[link["id"]] = link["url"]
            except ApiProblem as refused:
                if refused.status not in (403, 404, 422):  # a key without the scope `read`, or an unknown message
                    raise
            self._links[message_id] = found
        return self._links[message_id]


def _network_address(report: Mapping[str, Any]) -> str | None:
    text = report.get("ip")
    if text is None:
        return None
    try:
        ip_address(str(text))
    except ValueError:
        return f"{text} is not an IP address"
    return None
