"""Reads the source HTML of a message, and makes revisions that change only the HTML."""

from typing import Any
from uuid import UUID

from services.console.api.page import AccountPage
from services.console.apis.client import ApiProblem, Json
from services.console.domain.mail import MERGE_TAG, source_of

_KEPT_MEMBERS = ("subject", "subject_variants", "preheader", "sender_id", "reply_to")


async def read_source(page: AccountPage, message_id: UUID) -> Json:
    """Return a message with its `html`."""
    message = await page.api.get("tracking", f"/v1/messages/{message_id}", html="true")
    if message.get("html") is None:
        html = await page.api.text("tracking", f"/v1/messages/{message_id}/html", merge_tag=MERGE_TAG)
        urls = {str(link["number"]): str(link.get("url_in_message") or link["url"]) for link in message["links"]}
        message["html"] = source_of(html, urls)
    return message


async def save_source(page: AccountPage, message: Json, html: str) -> Json:
    """Make a new revision with other HTML; return the message. Raises ApiProblem."""
    return await page.api.put("tracking", f"/v1/messages/{message['id']}", {**kept_of(message), "html": html})


def kept_of(message: Json) -> dict[str, Any]:
    """Return the members of the message that a new revision keeps, without its HTML."""
    body: dict[str, Any] = {"name": message["name"]}
    body.update({name: message[name] for name in _KEPT_MEMBERS if message.get(name)})
    if not message.get("text_is_made", True) and message.get("text"):
        body["text"] = message["text"]
    return body


async def save_criteria(page: AccountPage, message_id: UUID, block: str, variants: list[Json]) -> ApiProblem | None:
    """Write the criteria of a block's variants, in the order in which they are tried; return a refusal, or None."""
    try:
        await page.api.put("tracking", f"/v1/messages/{message_id}/blocks/{block}", {"variants": variants})
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return problem
    return None
