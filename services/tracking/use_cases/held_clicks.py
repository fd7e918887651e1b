"""Finds the contacts and messages that held clicks wait for and that exist by now."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import ReferenceKey, message_key
from services.tracking.store.contacts import contacts_named, contacts_that_matter, keys_waited_for
from services.tracking.store.messages import messages_for_clicks


async def known_keys(connection: PoolConnectionProxy) -> list[str]:
    """Return the keys that held clicks no longer need to wait for; reads a few clicks at a time."""
    known: list[str] = []
    keys, last = await keys_waited_for(connection, 0)
    while last is not None:
        known += await _known_among(connection, keys)
        keys, last = await keys_waited_for(connection, last)
    return known


async def _known_among(connection: PoolConnectionProxy, keys: Iterable[str]) -> list[str]:
    parts: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for key in keys:
        kind, account, value = key.split(":")
        parts[kind].append((int(account), value))
    contacts = {(account, int(value)) for account, value in parts["contact"]}
    unknown = {
        key for key, status in (await contacts_that_matter(connection, contacts)).items() if status.state is None
    }
    known = [ReferenceKey("contact", *key).waits_for for key in contacts - unknown]
    names = {ReferenceKey("email", account, UUID(value)) for account, value in parts["email"]}
    names |= {ReferenceKey("external", account, UUID(value)) for account, value in parts["external"]}
    known += [reference.waits_for for reference in await contacts_named(connection, names)]
    messages = await messages_for_clicks(connection, {UUID(value) for _, value in parts["message"]}, {})
    known += [message_key(message.account_id, message_id) for message_id, message in messages.items()]
    return known
