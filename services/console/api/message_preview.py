""" "Preview as …": a mail as contacts with a certain variant get it, or as one contact gets it."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlencode

from services.console.api.page import AccountPage
from services.console.api.people import contacts_by_id, find_contact
from services.console.apis.client import ApiProblem, Json, Unreachable


@dataclass(slots=True)
class Preview:
    """The choices for a preview, and the chosen one.

    `choices` are the contents (`hero:dogs`) with the block, the variant and a contact who gets it, if there is one.
    """

    choices: list[tuple[str, str, str, str]] = field(default_factory=list)
    content: str = ""
    contact: str = ""
    is_unknown: bool = False

    @property
    def query(self) -> str:
        """The query parameters of the frame's URL."""
        return urlencode({"content": self.content}) if self.content else ""


async def preview_of(page: AccountPage, message: Json) -> Preview:
    """Return the choices for a preview of a message, and the one in the URL."""
    blocks = [block for block in message["blocks"] if block["block"] != "subject"]
    variants = [(block["block"], one) for block in blocks for one in block["variants"]]
    samples = await asyncio.gather(*(_sample(page, one.get("criterion")) for _, one in variants))
    preview = Preview(
        [
            (f"{block}:{one['variant']}", block, one["variant"], sample)
            for (block, one), sample in zip(variants, samples, strict=True)
        ]
    )
    query = page.request.query_params
    preview.content = query.get("content", "")
    preview.contact = query.get("as", "").strip()
    if preview.contact:
        preview.content, preview.is_unknown = await _content_of(page, message, preview.contact)
    return preview


async def _sample(page: AccountPage, criterion: Json | None) -> str:
    """Return the address of a contact who satisfies a criterion, or ""."""
    if not criterion:
        return ""
    try:
        answer = await page.api.post("segmentation", "/v1/criteria/contacts", {"criterion": criterion, "limit": 1})
    except (ApiProblem, Unreachable):
        return ""
    people = await contacts_by_id(page.api, [one["contact_id"] for one in answer["items"]])
    return next((str(one["email"] or one["external_id"]) for one in people.values()), "")


async def _content_of(page: AccountPage, message: Json, query: str) -> tuple[str, bool]:
    contact = await find_contact(page.api, query)
    if contact is None:
        return "", True
    body = {"message_id": message["id"], "contact_ids": [contact["contact_id"]]}
    decided = await page.api.post("segmentation", "/v1/content/decide", body)
    content: Json = decided["items"][0]["content"] if decided["items"] else {}
    return ",".join(f"{block}:{variant}" for block, variant in content.items() if block != "subject"), False
