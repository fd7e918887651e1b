"""Registers, edits and deletes messages. Each change is one unit of work of the catalog."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.tracking.domain.blocks import Layout, find_blocks
from services.tracking.domain.errors import LimitReached, MessageNotFound, SenderNotFound
from services.tracking.domain.intake import message_key
from services.tracking.domain.links import FoundLink, find_links
from services.tracking.domain.mail import Draft
from services.tracking.domain.plain_text import text_of
from services.tracking.domain.revisions import Link, Revised, revise
from services.tracking.store.messages import (
    StoredMessage,
    change_message,
    count_messages,
    insert_message,
    insert_revision,
    read_message,
    replace_link_labels,
)
from services.tracking.store.senders import read_sender
from services.tracking.use_cases.service import Tracking
from services.tracking.use_cases.uses import uses_of_message
from shared.events.parts import LabelReference
from shared.events.topics import CATALOG_PARTITION
from shared.events.tracking import BlockVariant, MessageBlock, MessageChanged, MessageLink
from shared.store.unit_of_work import MAX_BODY_BYTES, MAX_DEFINITION_BYTES, UnitOfWork
from shared.uses import InUseError

Require = Callable[[StoredMessage], None]

MOST_MESSAGES = 10_000  # messages of an account
MOST_LINKS = 3_000  # links of a message, over all its revisions


@dataclass(frozen=True, slots=True)
class ParsedHtml:
    """The links and blocks of the HTML of a draft, and the text generated from it."""

    found: Sequence[FoundLink]
    layout: Layout
    text: str


async def register_message(tracking: Tracking, account_id: int, draft: Draft) -> StoredMessage:
    """Store a new message with the links and blocks of its HTML.

    Raises InvalidBlocks, SenderNotFound, LimitReached, and EventTooLarge for more links than an event can hold.
    """
    html = await tracking.thread_turns.run_in_thread(account_id, parse_html, draft, tracking.own_urls)
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        if await count_messages(work.connection, account_id) >= MOST_MESSAGES:
            raise LimitReached(f"The account has {MOST_MESSAGES} messages; delete some that are no longer needed")
        message, event = await register(work, account_id, draft, html)
    await tracking.announce(work, event)
    return message


async def edit_message(
    tracking: Tracking, account_id: int, message_id: UUID, draft: Draft, require: Require
) -> tuple[StoredMessage, Sequence[Link]]:
    """Store a new revision; return the message, and the links that had labels and are no longer in it.

    `require` is called with the present message, and may raise to refuse the change. Raises MessageNotFound, and the
    errors of `register_message`.
    """
    html = await tracking.thread_turns.run_in_thread(account_id, parse_html, draft, tracking.own_urls)
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message = await read_to_change(work, account_id, message_id, require)
        message, lost, event = await edit(work, message, draft, html)
    await tracking.announce(work, event)
    return message, lost


async def delete_message(
    tracking: Tracking, account_id: int, message_id: UUID, *, force: bool, require: Require
) -> None:
    """Delete a message; its links keep redirecting. Raises MessageNotFound, and InUseError unless forced."""
    await tracking.catalog.refresh()
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message = await read_to_change(work, account_id, message_id, require)
        # In a thread, because reading thousands of definitions would block the event loop.
        uses = await asyncio.to_thread(uses_of_message, tracking.catalog, message)
        if uses and not force:
            raise InUseError("message", uses)
        message = replace(message, version=message.version + 1, changed_at=work.now, deleted_at=work.now)
        await change_message(work.connection, message)
        event = append_message(work, message, state="deleted")
    await tracking.announce(work, event)


def parse_html(draft: Draft, own_urls: Sequence[str] = ()) -> ParsedHtml:
    """Find the links and blocks of a draft, and generate its text. Raises InvalidBlocks. Slow for large drafts."""
    layout = find_blocks(draft.html)
    text = text_of(draft.html) if draft.content.text is None else draft.content.text
    return ParsedHtml(find_links(draft.html, own_urls), layout, text)


async def register(
    work: UnitOfWork, account_id: int, draft: Draft, html: ParsedHtml
) -> tuple[StoredMessage, MessageChanged]:
    """Write a new message, and release the clicks that wait for it."""
    message = await insert_message(work.connection, account_id, uuid7(), draft.name, work.now)
    message, _, event = await edit(work, message, draft, html)
    await work.release([message_key(account_id, message.message_id)])
    return message, event


async def edit(
    work: UnitOfWork, message: StoredMessage, draft: Draft, html: ParsedHtml
) -> tuple[StoredMessage, Sequence[Link], MessageChanged]:
    """Write a new revision of `message`, which was read in this unit of work."""
    sender_id = draft.content.sender_id
    if sender_id is not None and await read_sender(work.connection, message.account_id, sender_id) is None:
        raise SenderNotFound
    revised = await asyncio.to_thread(revise, message.links, html.found, uuid7)
    if len(revised.links) > MOST_LINKS:
        detail = f"A message can have at most {MOST_LINKS} links in all its revisions together; register a new message"
        raise LimitReached(detail, "/html")
    known = {link.id for link in message.links}
    message = replace(
        message,
        name=draft.name,
        revision=message.revision + 1,
        version=message.version + 1,
        changed_at=work.now,
        links=revised.links,
        order=revised.order,
        content=replace(draft.content, text=html.text, text_is_made=draft.content.text is None),
        layout=_with_links(html, revised),
    )
    await insert_revision(work.connection, message, draft.html, [link.place for link in html.found])
    await replace_link_labels(work.connection, [link for link in revised.links if link.id not in known and link.labels])
    return message, revised.lost, append_message(work, message)


def _with_links(html: ParsedHtml, revised: Revised) -> Layout:
    starts = (link.place.start for link in html.found)
    return html.layout.with_links(list(zip(starts, revised.order, strict=True)))


async def read_to_change(work: UnitOfWork, account_id: int, message_id: UUID, require: Require) -> StoredMessage:
    """Return the present message; it cannot change while the unit holds the lock of the catalog.

    Raises MessageNotFound, and any error of `require`.
    """
    message = await read_message(work.connection, account_id, message_id)
    if message is None:
        raise MessageNotFound
    require(message)
    return message


def append_message(
    work: UnitOfWork, message: StoredMessage, state: Literal["active", "deleted"] = "active"
) -> MessageChanged:
    """Append the event with the complete state of the message. Raises EventTooLarge."""
    event = MessageChanged(
        occurred_at=work.now,
        account_id=message.account_id,
        message_id=message.message_id,
        message_name=message.name,
        revision=message.revision,
        state=state,
        links=tuple(map(_event_link, message.links)),
        blocks=tuple(
            MessageBlock(
                block=block.name,
                variants=tuple(
                    BlockVariant(variant=variant, criterion=None if criterion is None else dict(criterion))
                    for variant, criterion in block.variants
                ),
                fallback=block.fallback,
                links=tuple(block.links),
            )
            for block in message.blocks()
        ),
    )
    # It must always be possible to delete a message, whatever its size.
    work.append(event, most_bytes=MAX_DEFINITION_BYTES if state == "active" else MAX_BODY_BYTES)
    return event


def _event_link(link: Link) -> MessageLink:
    return MessageLink(
        id=link.id,
        number=link.number,
        url=link.leads_to,
        text=link.text,
        trackable=link.trackable,
        reason=link.reason,
        present=link.present,
        labels=tuple(LabelReference(id=label.id, name=label.name) for label in link.labels),
    )
