"""Changes of messages: each a unit of work of the catalog that tells the message's whole state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from uuid_utils.compat import uuid7

from services.tracking.domain.intake import message_key
from services.tracking.domain.links import FoundLink
from services.tracking.domain.revisions import Link, LinkLabel, revise
from services.tracking.store.messages import (
    StoredMessage,
    change_message,
    insert_message,
    insert_revision,
    read_message,
    replace_link_labels,
)
from shared.events.parts import LabelReference
from shared.events.tracking import MessageChanged, MessageLink
from shared.store.unit_of_work import UnitOfWork


async def register(
    work: UnitOfWork, account_id: int, name: str, html: str, found: Sequence[FoundLink]
) -> tuple[StoredMessage, MessageChanged]:
    """A new message, `found` being the links of its HTML; clicks may be waiting for it."""
    message = await insert_message(work.connection, account_id, uuid7(), name, work.now)
    changed = await edit(work, message, name, html, found)
    await work.release([message_key(account_id, message.message_id)])
    return changed


async def edit(
    work: UnitOfWork, message: StoredMessage, name: str, html: str, found: Sequence[FoundLink]
) -> tuple[StoredMessage, MessageChanged]:
    """A new revision of `message`, which was read in this unit."""
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
    return message, _tell(work, message)


async def label(
    work: UnitOfWork, message: StoredMessage, labels: Mapping[UUID, Sequence[LinkLabel]]
) -> tuple[StoredMessage, MessageChanged]:
    """Gives links of `message`, which was read in this unit, these labels instead of what they had."""
    links = [replace(link, labels=tuple(labels[link.id])) if link.id in labels else link for link in message.links]
    await replace_link_labels(work.connection, [link for link in links if link.id in labels])
    message = replace(message, version=message.version + 1, changed_at=work.now, links=links)
    await change_message(work.connection, message)
    return message, _tell(work, message)


async def read_to_change(work: UnitOfWork, account_id: int, message_id: UUID) -> StoredMessage | None:
    """The message as it is; nobody else changes it while the unit holds the lock of the catalog."""
    return await read_message(work.connection, account_id, message_id)


def _tell(work: UnitOfWork, message: StoredMessage) -> MessageChanged:
    event = MessageChanged(
        occurred_at=work.now,
        account_id=message.account_id,
        message_id=message.message_id,
        message_name=message.name,
        revision=message.revision,
        links=tuple(map(_told_link, message.links)),
    )
    work.append(event)
    return event


def _told_link(link: Link) -> MessageLink:
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
