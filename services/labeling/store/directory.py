"""The directory of e-mail addresses and external ids, in the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.contacts import Contact
from services.labeling.domain.directory import Claim, Conflict, Entry, Key, settle
from services.labeling.store import QUERIES
from shared.store.database import Database

ATTEMPTS = 5


class _Overtaken(Exception):
    """Somebody else made an entry between our reading and our writing."""


def keys_of(contact: Contact | None) -> tuple[Key, ...]:
    """The keys that a contact has."""
    if contact is None:
        return ()
    keys: list[Key] = []
    if contact.external_id is not None:
        keys.append(("external", contact.external_id))
    if contact.email_key is not None:
        keys.append(("email", contact.email_key))
    return tuple(keys)


async def settle_contacts(database: Database, account_id: int, claims: Sequence[Claim]) -> list[int | Conflict]:
    """Gives every row its contact id, in a transaction of its own; ids that are then not used are gaps."""
    for attempt in range(ATTEMPTS):
        try:
            async with database.transaction() as connection:
                return await _settle(connection, account_id, claims)
        except (_Overtaken, asyncpg.DeadlockDetectedError):
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def _settle(connection: PoolConnectionProxy, account_id: int, claims: Sequence[Claim]) -> list[int | Conflict]:
    wanted = {key for claim in claims for key in claim.keys}
    found = await lock_entries(connection, account_id, wanted)
    holders = {
        row["contact_id"]: {("external", row["external_id"]), ("email", row["email_key"])}
        for row in await connection.fetch(QUERIES["directory_holders"], account_id, list(set(found.values())))
    }
    directory = {key: _entry(key, contact_id, holders) for key, contact_id in found.items()}
    # Decided once without ids, to know how many to take.
    created = settle(claims, directory, 1 << 40).created
    last = await connection.fetchval(QUERIES["allocate_contacts"], account_id, created) if created else 0
    settlement = settle(claims, directory, last - created + 1)
    moved = {key: contact_id for key, contact_id in settlement.entries.items() if key in found}
    added = {key: contact_id for key, contact_id in settlement.entries.items() if key not in found}
    if moved:
        await connection.execute(QUERIES["move_directory"], account_id, *_columns(moved))
    if added:
        rows = await connection.fetch(QUERIES["insert_directory"], account_id, *_columns(added))
        if len(rows) < len(added):
            raise _Overtaken
    return settlement.rows


def _entry(key: Key, contact_id: int, holders: Mapping[int, Collection[tuple[str, str | None]]]) -> Entry:
    if contact_id not in holders:
        return Entry(contact_id, "newcomer")
    return Entry(contact_id, "holder" if key in holders[contact_id] else "nobody")


def _columns(entries: Mapping[Key, int]) -> tuple[list[str], list[str], list[int]]:
    return [kind for kind, _ in entries], [key for _, key in entries], list(entries.values())


async def lock_entries(connection: PoolConnectionProxy, account_id: int, keys: Iterable[Key]) -> dict[Key, int]:
    """The entries of `keys`, locked until the end of the transaction."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    kinds, texts = zip(*wanted, strict=True)
    rows = await connection.fetch(QUERIES["lock_directory"], account_id, kinds, texts)
    return {(row["kind"], row["key"]): row["contact_id"] for row in rows}


async def leave_behind(connection: PoolConnectionProxy, account_id: int, keys: Collection[tuple[Key, int]]) -> None:
    """Deletes the entries of keys that contacts no longer have."""
    if not keys:
        return
    kinds = [kind for (kind, _), _ in keys]
    texts = [text for (_, text), _ in keys]
    await connection.execute(QUERIES["delete_directory"], account_id, kinds, texts, [contact for _, contact in keys])
