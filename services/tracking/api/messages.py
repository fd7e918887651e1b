"""Messages: registered with their HTML, edited, and handed out with tracked links."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import AfterValidator, Field

from services.tracking.api.models import LinkAnswer, MessageAnswer, MessageSummary
from services.tracking.api.service import Service, no_message, problems, required
from services.tracking.domain.links import find_links, replace_links
from services.tracking.store.messages import (
    MessageRow,
    StoredMessage,
    count_messages,
    html_of_message,
    links_of_messages,
    list_messages,
    read_message,
)
from services.tracking.use_cases import messages
from services.tracking.use_cases.contacts import known_contact
from shared.events.envelope import ContactId
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router
from shared.store.errors import EventTooLarge
from shared.tokens import Recipient

router = Router(prefix="/v1/messages", tags=["messages"])

LONGEST_HTML = 2_000_000  # characters; mail programs cut what is longer than a tenth of it


def _trimmed(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


class MessageBody(RequestBody):
    """A message: a name for people, and its HTML."""

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_trimmed)]
    html: Annotated[str, Field(min_length=1, max_length=LONGEST_HTML)]


def _etag(message: StoredMessage) -> str:
    return etag_of(message.version)


def _too_many_links() -> Problem:
    detail = "Has more links, over all its revisions, than one message can hold"
    return Problem(422, f"{detail}; register it as a new one.", errors=[FieldError("/html", detail)])


@router.post("", status_code=201, response_model=MessageAnswer, summary="Register a message")
async def register(service: Service, caller: Annotated[Caller, requires("write")], body: MessageBody) -> Response:
    """Registers an e-mail's HTML and lists its links, in order."""
    try:
        message = await messages.register_message(service, caller.account_id, body.name, body.html)
    except EventTooLarge:
        raise _too_many_links() from None
    answer = MessageAnswer.of(message, service.catalog)
    headers = {"ETag": _etag(message), "Location": f"/v1/messages/{message.message_id}"}
    return Response(answer.model_dump_json(), 201, headers, media_type="application/json")


@router.get("", summary="List messages")
async def list_all(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[MessageSummary]:
    """The account's messages, newest first."""
    (before,) = page.key(UUID) or (None,)
    async with service.snapshot() as connection:
        rows = await list_messages(connection, caller.account_id, before, page.fetch)
        total = await count_messages(connection, caller.account_id)
    return Page[MessageSummary].of(rows, page, key=lambda row: [row.message_id], item=_summary, total=total)


def _summary(row: MessageRow) -> MessageSummary:
    return MessageSummary(
        id=row.message_id,
        name=row.name,
        revision=row.revision,
        created_at=row.created_at,
        changed_at=row.changed_at,
        link_count=row.links,
    )


@router.get("/{message_id}", response_model=MessageAnswer, summary="Show a message")
async def show_message(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    message_id: UUID,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """The message, with the links of its newest revision and their labels."""
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
    if message is None:
        raise no_message()
    return conditions.answer(MessageAnswer.of(message, service.catalog), _etag(message))


@router.put("/{message_id}", response_model=MessageAnswer, summary="Edit a message")
async def edit_message(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    body: MessageBody,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Makes a revision. Links with the same URL and text keep id, number and labels; vanished ones still lead on."""
    try:
        with problems():
            message = await messages.edit_message(
                service, caller.account_id, message_id, body.name, body.html, required(conditions)
            )
    except EventTooLarge:
        raise _too_many_links() from None
    answer = MessageAnswer.of(message, service.catalog)
    return Response(answer.model_dump_json(), 200, {"ETag": _etag(message)}, media_type="application/json")


@router.get("/{message_id}/links", summary="List a message's links")
async def list_links(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    message_id: UUID,
    page: Annotated[PageRequest, page_request()],
) -> Page[LinkAnswer]:
    """The links of the newest revision, in the order of its HTML."""
    (after,) = page.key(int) or (0,)
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
    if message is None:
        raise no_message()
    links = list(enumerate(message.links_in_order(), start=1))
    return Page[LinkAnswer].of(
        links[after : after + page.fetch],
        page,
        key=lambda row: [row[0]],
        item=lambda row: LinkAnswer.of(row[1], service.catalog),
        total=len(links),
    )


class HtmlResponse(Response):
    """HTML as it was registered: UTF-8."""

    media_type = "text/html"


@router.get(
    "/{message_id}/html",
    response_class=HtmlResponse,
    summary="A message's HTML with tracked links",
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def tracked_html(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    message_id: UUID,
    contact_id: Annotated[ContactId | None, Query(description="For one contact, outside of any send.")] = None,
    merge_tag: Annotated[
        str | None,
        Field(min_length=1, max_length=200),
        Query(description="For everybody: what the sender replaces by each contact's token."),
    ] = None,
) -> HtmlResponse:
    """The HTML of the newest revision, byte for byte but for the hrefs of links that can be tracked."""
    if (contact_id is None) == (merge_tag is None):
        detail = "Give exactly one of contact_id and merge_tag"
        raise Problem(422, f"{detail}.", errors=[FieldError("/query/contact_id", detail)])
    async with service.snapshot() as connection:
        stored = await html_of_message(connection, caller.account_id, message_id)
        links = (await links_of_messages(connection, [message_id]))[message_id]
    if stored is None:
        raise no_message()
    if contact_id is not None:
        if not await known_contact(service, caller.account_id, contact_id):
            raise Problem(404, "There is no such contact.")
        token = service.keys.make(Recipient(caller.account_id, contact_id, message_id))
    else:
        token = merge_tag or ""
    by_id = {link.id: link for link in links}
    ordered = [by_id[link_id] for link_id in stored.link_ids]

    def target(place: int) -> str | None:
        link = ordered[place]
        return f"{service.public_url}/c/{token}.{link.number}" if link.trackable else None

    found = await asyncio.to_thread(find_links, stored.html)
    return HtmlResponse(replace_links(stored.html, found, target))
