"""The directory of e-mail addresses and external ids."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import asyncpg
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.directory import NOBODY, DirectoryEntry, Key, KeyClaim, Settlement, Settling
from services.labeling.domain.names import ContactName, parse_name
from services.labeling.store.contacts import contacts_of
from shared.store.database import Database
from shared.store.queries import queries_of
from shared.yielding import yielding

QUERIES = queries_of(__file__)
ATTEMPTS = 5


class _Overtaken(Exception):
    """Another transaction inserted an entry between our read and our write."""


async def settle_contacts(database: Database, account_id: int, claims: Sequence[KeyClaim]) -> Settlement:
    """Decide on the contact id of every row, in a separate transaction. New ids that are not used become gaps."""
    for attempt in range(ATTEMPTS):
        try:
            async with database.transaction() as connection:
                return await _settle(connection, account_id, claims)
        except (_Overtaken, asyncpg.DeadlockDetectedError):
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def _settle(connection: PoolConnectionProxy, account_id: int, claims: Sequence[KeyClaim]) -> Settlement:
    claimed = {key for claim in claims for key in claim.keys}
    owners = await lock_entries(connection, account_id, claimed)
    contact_ids = {*owners.values(), *(claim.contact_id for claim in claims if claim.contact_id is not None)}
    rows = await QUERIES["owners_of_entries"].fetch(connection, account_id=account_id, contact_ids=list(contact_ids))
    held = {row["contact_id"]: _keys(row) for row in rows}
    directory = {key: _entry(key, contact_id, held) for key, contact_id in owners.items()}
    settling = Settling(claims, directory, held)
    async for _ in yielding(settling.steps()):
        pass
    last = 0
    if settling.created:
        last = await QUERIES["allocate_contacts"].fetchval(connection, account_id=account_id, count=settling.created)
    settlement = settling.settlement(last - settling.created + 1)
    moved = {key: contact_id for key, contact_id in settlement.entries.items() if key in owners}
    added = {key: contact_id for key, contact_id in settlement.entries.items() if key not in owners}
    await move_entries(connection, account_id, moved)
    if added:
        inserted = await QUERIES["insert_entries"].fetch(connection, account_id=account_id, **_columns(added))
        if len(inserted) < len(added):
            raise _Overtaken
    return settlement


def _keys(row: Record) -> list[Key]:
    keys: list[Key] = [("external", row["external_id"]), ("email", row["email_key"])]
    return [key for key in keys if key[1] is not None]


def _entry(key: Key, contact_id: int, held: Mapping[int, Collection[Key]]) -> DirectoryEntry:
    if contact_id == NOBODY:
        return DirectoryEntry(contact_id, "nobody")
    if contact_id not in held:
        return DirectoryEntry(contact_id, "newcomer")
    return DirectoryEntry(contact_id, "holder" if key in held[contact_id] else "nobody")


def _columns(entries: Mapping[Key, int]) -> dict[str, Sequence[str] | Sequence[int]]:
    return {
        "kinds": [kind for kind, _ in entries],
        "keys": [key for _, key in entries],
        "contact_ids": list(entries.values()),
    }


async def lock_entries(connection: PoolConnectionProxy, account_id: int, keys: Iterable[Key]) -> dict[Key, int]:
    """Lock the entries of `keys` until the end of the transaction, and return their contact ids."""
    ordered = sorted(set(keys))
    if not ordered:
        return {}
    kinds, texts = zip(*ordered, strict=True)
    rows = await QUERIES["lock_entries"].fetch(connection, account_id=account_id, kinds=kinds, keys=texts)
    return {(row["kind"], row["key"]): row["contact_id"] for row in rows}


async def move_entries(connection: PoolConnectionProxy, account_id: int, entries: Mapping[Key, int]) -> None:
    """Move locked entries to other contacts."""
    if entries:
        await QUERIES["move_entries"].execute(connection, account_id=account_id, **_columns(entries))


async def delete_entries(connection: PoolConnectionProxy, account_id: int, entries: Mapping[Key, int]) -> None:
    """Delete entries of keys that their contacts no longer have."""
    if entries:
        await QUERIES["delete_entries"].execute(connection, account_id=account_id, **_columns(entries))


async def find_contacts(connection: PoolConnectionProxy, names: Collection[ContactName]) -> dict[ContactName, int]:
    """Return the contact ids of the names that belong to a contact now."""
    found: dict[ContactName, int] = {}
    by_id = {(name.account_id, int(name.key)): name for name in names if name.kind == "id"}
    for key in await contacts_of(connection, by_id):
        found[by_id[key]] = key[1]
    by_key = [name for name in names if name.kind != "id"]
    if by_key:
        account_ids, kinds, keys = zip(*by_key, strict=True)
        rows = await QUERIES["find_contacts"].fetch(connection, account_ids=account_ids, kinds=kinds, keys=keys)
        for row in rows:
            found[ContactName(row["account_id"], row["kind"], row["key"])] = row["contact_id"]
    return found


async def awaited_names(connection: PoolConnectionProxy, consumer: str) -> list[ContactName]:
    """Return the names for which held records of `consumer` wait."""
    rows = await QUERIES["awaited_names"].fetch(connection, consumer=consumer)
    return [parse_name(row["name"]) for row in rows]


async def reserve_entry(connection: PoolConnectionProxy, account_id: int, key: Key) -> None:
    """Create an entry with the contact id `NOBODY`, unless one exists, so that it can be locked."""
    await QUERIES["reserve_entry"].execute(connection, account_id=account_id, kind=key[0], key=key[1])


async def find_owner(connection: PoolConnectionProxy, account_id: int, key: Key) -> int:
    """Return the contact id of an entry, `NOBODY` if there is none."""
    owner: int | None = await QUERIES["owner_of_entry"].fetchval(
        connection, account_id=account_id, kind=key[0], key=key[1]
    )
    return NOBODY if owner is None else owner
