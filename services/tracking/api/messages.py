"""Endpoints that register, edit, show and delete messages."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.tracking.api.bodies import MessageBody
from services.tracking.api.models import LinkAnswer, MessageAnswer, MessageSummary
from services.tracking.api.service import Service, no_message, problems, required
from services.tracking.store.messages import (
    MessageRow,
    StoredMessage,
    count_messages,
    list_messages,
    read_message,
    read_revision,
)
from services.tracking.use_cases import messages
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import Force
from shared.http.routing import Router

router = Router(prefix="/v1/messages", tags=["messages"])


def _etag(message: StoredMessage) -> str:
    return etag_of(message.version)


@router.post("", status_code=201, response_model=MessageAnswer, summary="Register a message")
async def register_message(
    service: Service, caller: Annotated[Caller, requires("write")], body: MessageBody
) -> Response:
    """Register an e-mail; return its links, in order, and its blocks."""
    with problems():
        message = await messages.register_message(service, caller.account_id, body.draft())
    answer = MessageAnswer.of(message, service)
    headers = {"ETag": _etag(message), "Location": f"/v1/messages/{message.message_id}"}
    return Response(answer.model_dump_json(), 201, headers, media_type="application/json")


@router.get("", summary="List messages")
async def list_all(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[MessageSummary]:
    """Return the account's messages, newest first."""
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
    caller: Annotated[Caller, requires("read", pipeline=True)],
    message_id: UUID,
    conditions: Annotated[Preconditions, preconditions()],
    html: Annotated[bool, Query(description="Include the registered HTML.")] = False,
) -> Response:
    """Return the message, its newest revision's links with their labels, and its blocks with their criteria."""
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
        revision = await read_revision(connection, caller.account_id, message_id) if html else None
    if message is None:
        raise no_message()
    answer = MessageAnswer.of(message, service, html=None if revision is None else revision.html)
    return conditions.answer(answer, _etag(message))


@router.put("/{message_id}", response_model=MessageAnswer, summary="Edit a message")
async def edit_message(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    body: MessageBody,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Create a revision.

    Links that are matched by URL or text keep their ids, numbers and labels. `lost_labels` names the links that had
    labels and are not in the new revision; they still redirect.
    """
    with problems():
        message, lost = await messages.edit_message(
            service, caller.account_id, message_id, body.draft(), required(conditions)
        )
    answer = MessageAnswer.of(message, service, lost)
    return Response(answer.model_dump_json(), 200, {"ETag": _etag(message)}, media_type="application/json")


@router.delete("/{message_id}", status_code=204, summary="Delete a message", response_class=Response)
async def delete_message(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    conditions: Annotated[Preconditions, preconditions()],
    force: Force = False,
) -> None:
    """Delete a message. Links in mails that were sent keep redirecting, and clicks on them are still counted."""
    with problems():
        await messages.delete_message(service, caller.account_id, message_id, force=force, require=required(conditions))


@router.get("/{message_id}/links", summary="List a message's links")
async def list_links(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    message_id: UUID,
    page: Annotated[PageRequest, page_request()],
    vanished: Annotated[
        bool, Query(description="Include links of earlier revisions, after those of the newest.")
    ] = False,
) -> Page[LinkAnswer]:
    """Return the links of the newest revision, in the order of its HTML."""
    (after,) = page.key(int) or (0,)
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
    if message is None:
        raise no_message()
    links = message.links_in_order()
    if vanished:
        links += [link for link in message.links if not link.present]
    numbered = list(enumerate(links, start=1))
    return Page[LinkAnswer].of(
        numbered[after : after + page.fetch],
        page,
        key=lambda row: [row[0]],
        item=lambda row: LinkAnswer.of(row[1], service.catalog),
        total=len(numbered),
    )
