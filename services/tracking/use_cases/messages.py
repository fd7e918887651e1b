"""Messages: registered with their HTML, and edited. Each change is one unit of work of the catalog."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from uuid_utils.compat import uuid7

from services.tracking.domain.errors import MessageNotFound
from services.tracking.domain.intake import message_key
from services.tracking.domain.links import FoundLink, find_links
from services.tracking.domain.revisions import Link, revise
from services.tracking.store.messages import StoredMessage, insert_message, insert_revision, read_message
from services.tracking.use_cases.service import Tracking
from shared.events.parts import LabelReference
from shared.events.topics import CATALOG_PARTITION
from shared.events.tracking import MessageChanged, MessageLink
from shared.store.unit_of_work import UnitOfWork

Require = Callable[[StoredMessage], None]


async def register_message(tracking: Tracking, account_id: int, name: str, html: str) -> StoredMessage:
    """Store a new message with the links of its HTML. Raises EventTooLarge for more links than an event can hold."""
    found = await asyncio.to_thread(find_links, html)
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message, event = await register(work, account_id, name, html, found)
    await tracking.announce(work, event)
    return message


async def edit_message(
    tracking: Tracking, account_id: int, message_id: UUID, name: str, html: str, require: Require
) -> StoredMessage:
    """Store a new revision. `require` is called with the message as it is, and may raise to refuse the change.

    Raises MessageNotFound, and EventTooLarge for more links than an event can hold.
    """
    found = await asyncio.to_thread(find_links, html)
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message = await read_to_change(work, account_id, message_id, require)
        message, event = await edit(work, message, name, html, found)
    await tracking.announce(work, event)
    return message


async def register(
    work: UnitOfWork, account_id: int, name: str, html: str, found: list[FoundLink]
) -> tuple[StoredMessage, MessageChanged]:
    """Write a new message with the links `found` in its HTML, and release the clicks that wait for it."""
    message = await insert_message(work.connection, account_id, uuid7(), name, work.now)
    changed = await edit(work, message, name, html, found)
    await work.release([message_key(account_id, message.message_id)])
    return changed


async def edit(
    work: UnitOfWork, message: StoredMessage, name: str, html: str, found: list[FoundLink]
) -> tuple[StoredMessage, MessageChanged]:
    """Write a new revision of `message`, which was read in this unit."""
    revised = revise(message.links, found, uuid7)
    message = replace(
        message,
        name=name,
        revision=message.revision + 1,
        version=message.version + 1,
        changed_at=work.now,
        links=revised.links,
        order=revised.order,
    )
    await insert_revision(work.connection, message, html, revised)
    return message, append_message(work, message)


async def read_to_change(work: UnitOfWork, account_id: int, message_id: UUID, require: Require) -> StoredMessage:
    """Return the message as it is; nobody else changes it while the unit holds the lock of the catalog.

    Raises MessageNotFound, and whatever `require` raises.
    """
    message = await read_message(work.connection, account_id, message_id)
    if message is None:
        raise MessageNotFound
    require(message)
    return message


def append_message(work: UnitOfWork, message: StoredMessage) -> MessageChanged:
    """Append the event that holds the message's whole state."""
    event = MessageChanged(
        occurred_at=work.now,
        account_id=message.account_id,
        message_id=message.message_id,
        message_name=message.name,
        revision=message.revision,
        links=tuple(map(_event_link, message.links)),
    )
    work.append(event)
    return event


def _event_link(link: Link) -> MessageLink:
    return MessageLink(
        id=link.id,
        number=link.number,
        url=link.url,
        text=link.text,
        trackable=link.trackable,
        reason=link.reason,
        present=link.present,
        labels=tuple(LabelReference(id=label.id, name=label.name) for label in link.labels),
    )
