"""Suppresses addresses, and blocks contacts with suppressed addresses."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.directory import NOBODY, Key
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store import suppressions
from services.labeling.store.directory import find_owner, lock_entries, reserve_entry
from services.labeling.store.suppressions import Suppression
from services.labeling.use_cases.contact_changes import Changes, load_contacts, record_contacts
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

SUPPRESSED = Origin(kind="suppression")


class Suppressed(NamedTuple):
    """The numbers of addresses that are newly suppressed, and that were suppressed already."""

    added: int
    known: int


async def suppress(
    database: Database,
    keys: SuppressionKeys,
    account_id: int,
    email_keys: Sequence[str],
    reason: str | None,
    origin: Origin,
) -> Suppressed:
    """Suppress addresses, given by their keys, and block the contacts that have them, one by one."""
    added = 0
    for email_key in email_keys:
        added += await _suppress(database, keys, account_id, email_key, reason, origin)
    return Suppressed(added, len(email_keys) - added)


async def _suppress(
    database: Database, keys: SuppressionKeys, account_id: int, email_key: str, reason: str | None, origin: Origin
) -> bool:
    key: Key = ("email", email_key)
    async with database.transaction() as connection:
        # A transaction that gives the address to a contact locks the same entry, so that one of the two sees the other.
        await reserve_entry(connection, account_id, key)
    while True:
        async with database.pool.acquire() as connection:
            owner = await find_owner(connection, account_id, key)
        partitions = [] if owner == NOBODY else [partition_of(account_id, owner, database.partitions)]
        async with database.unit_of_work(*partitions) as work:
            if (await lock_entries(work.connection, account_id, [key])).get(key) == owner:
                return await suppress_in(work, keys, account_id, owner, email_key, reason, origin)


async def suppress_in(
    work: UnitOfWork,
    keys: SuppressionKeys,
    account_id: int,
    owner: int,
    email_key: str,
    reason: str | None,
    origin: Origin,
) -> bool:
    """Suppress an address within the unit of work of its owner; return False if it was suppressed already.

    The directory entry of the address must be locked. `owner` is the contact that has the address, or `NOBODY`.
    """
    hashes = keys.hashes(account_id, email_key)
    known = await suppressions.suppressed(work.connection, account_id, [key_hash.value for key_hash in hashes])
    if not known:
        await suppressions.insert_suppression(work.connection, account_id, hashes[0], reason, origin)
    if owner != NOBODY:
        contacts = await load_contacts(work, [(account_id, owner)])
        contact = contacts.find((account_id, owner))
        if contact is not None and contact.email_key == email_key:
            contacts.change((account_id, owner), {"subscription": "blocked"}, work.now, SUPPRESSED)
        await record_contacts(work, contacts)
    return not known


async def block_suppressed(work: UnitOfWork, keys: SuppressionKeys | None, contacts: Changes) -> None:
    """Block the changed contacts whose address is suppressed. The directory entries of their keys must be locked.

    It is not called for changes by contacts themselves, because these may lift a suppression.
    """
    if keys is None:
        return
    hashes: dict[bytes, tuple[int, int]] = {}
    for (account_id, contact_id), contact in contacts.changed.items():
        if contact.email_key is not None and contact.subscription != "blocked":
            for key_hash in keys.hashes(account_id, contact.email_key):
                hashes[key_hash.value] = (account_id, contact_id)
    accounts = {account_id for account_id, _ in hashes.values()}
    for account_id in accounts:
        for value in await suppressions.suppressed(work.connection, account_id, list(hashes)):
            contacts.change(hashes[value], {"subscription": "blocked"}, work.now, SUPPRESSED)


async def lift(connection: PoolConnectionProxy, keys: SuppressionKeys, account_id: int, email_key: str) -> None:
    """Delete the suppressions of an address whose owner has subscribed again."""
    hashes = [key_hash.value for key_hash in keys.hashes(account_id, email_key)]
    await suppressions.delete_hashes(connection, account_id, hashes)


async def look_up(
    connection: PoolConnectionProxy, keys: SuppressionKeys, account_id: int, email_keys: Sequence[str]
) -> Mapping[str, Suppression]:
    """Return the suppressions of addresses, by the key of the address; only of those that are suppressed."""
    by_hash = {key_hash.value: key for key in email_keys for key_hash in keys.hashes(account_id, key)}
    found = await suppressions.suppressed(connection, account_id, list(by_hash))
    return {by_hash[value]: suppression for value, suppression in found.items()}


async def delete(connection: PoolConnectionProxy, account_id: int, suppression_id: UUID) -> None:
    """Delete a suppression; contacts that it has blocked stay blocked. Raises NotFoundError."""
    if not await suppressions.delete_suppression(connection, account_id, suppression_id):
        raise NotFoundError("suppression")
