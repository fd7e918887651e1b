"""Writes contacts, and queues requested mails."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg.pool import PoolConnectionProxy

from services.delivery.store.contacts import ContactKey, StoredContact, delete_contacts, write_contacts
from services.delivery.store.mails import Request, forget_contacts, insert_requests
from shared.events.codec import Tombstone, rfc3339
from shared.events.labeling import ContactChanged
from shared.events.messages import MessageRequested


async def take(connection: PoolConnectionProxy, events: Sequence[object], now: datetime) -> None:
    """Write the contacts in `events`, delete the erased and merged ones, and queue the requested mails."""
    states: dict[ContactKey, StoredContact | None] = {}
    requests: list[Request] = []
    for event in events:
        if isinstance(event, ContactChanged):
            states[event.account_id, event.contact_id] = _contact(event)
        elif isinstance(event, Tombstone):
            account_id, _, contact_id = event.key.partition(":")
            states[int(account_id), int(contact_id)] = None
        elif isinstance(event, MessageRequested):
            requests.append(_request(event))
    removed = [key for key, contact in states.items() if contact is None]
    await write_contacts(connection, [contact for _, contact in sorted(states.items()) if contact is not None])
    await delete_contacts(connection, removed)
    await forget_contacts(connection, removed)
    await insert_requests(connection, requests, now)


def _contact(event: ContactChanged) -> StoredContact | None:
    if event.state != "active":
        return None
    return StoredContact(
        event.account_id, event.contact_id, event.email, event.subscription, event.language, dict(event.fields)
    )


def _request(event: MessageRequested) -> Request:
    return Request(
        account_id=event.account_id,
        idempotency_key=event.idempotency_key,
        contact_id=event.contact_id,
        test_address=None,
        message_id=event.message_id,
        system=None if event.system is None else {"kind": event.system.kind, "url": event.system.url},
        send={"kind": event.send.kind, "id": event.send.id, "sent_at": rfc3339(event.send.sent_at)},
        campaign_id=event.cause.campaign_id,
        revision=event.revision,
        content=event.content or {},
        expires_at=event.expires_at,
    )
