"""Facts of contacts: one row each."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.facts import StoredFacts
from shared.store.queries import queries_of
from shared.yielding import yielding

QUERIES = queries_of(__file__)

Contact = tuple[int, int]  # account_id, contact_id


def columns(contacts: Iterable[Contact]) -> dict[str, list[int]]:
    """Return the parameters `account_ids` and `contact_ids` of a query, in the same order."""
    pairs = list(contacts)
    return {"account_ids": [account for account, _ in pairs], "contact_ids": [contact for _, contact in pairs]}


async def load(
    connection: PoolConnectionProxy, projection: int, contacts: Collection[Contact]
) -> dict[Contact, StoredFacts]:
    """Return the facts of each contact; empty facts for unknown contacts."""
    facts = {(account, contact): StoredFacts(None, contact) for account, contact in contacts}
    for row in await QUERIES["contacts_of_ids"].fetch(connection, projection=projection, **columns(contacts)):
        facts[row["account_id"], row["contact_id"]] = StoredFacts(row["facts"])
    return facts


async def save(
    connection: PoolConnectionProxy,
    projection: int,
    changed: Mapping[Contact, StoredFacts],
    number_of: Callable[[int, int], int],
) -> None:
    """Write facts; delete the rows of contacts without facts.

    `number_of` returns the partition number of a contact.
    """
    stored = {contact: facts.stored() async for contact, facts in yielding(changed.items())}
    written = [(contact, body) for contact, body in sorted(stored.items()) if body is not None]
    if written:
        await QUERIES["write_contacts"].execute(
            connection,
            projection=projection,
            **columns(contact for contact, _ in written),
            partitions=[number_of(*contact) for contact, _ in written],
            facts=[body for _, body in written],
            segments=[_array(changed[contact].segments) for contact, _ in written],
        )
    deleted = [contact for contact, body in stored.items() if body is None]
    if deleted:
        await QUERIES["delete_contacts"].execute(connection, projection=projection, **columns(deleted))


def _array(ids: list[UUID]) -> str:
    # Arrays of arrays do not unnest row by row, but texts that PostgreSQL parses as arrays do.
    return "{" + ",".join(map(str, ids)) + "}"


@dataclass(frozen=True, slots=True)
class Existing:
    """Contacts that are in one of these segments, or hold one of these labels."""

    segments: tuple[UUID, ...]
    labels: tuple[UUID, ...]

    def __bool__(self) -> bool:
        return bool(self.segments or self.labels)

    def parameters(self) -> dict[str, list[Any]]:
        """Return the parameters `segments` and `labels` of a query.

        A held label is a member of the facts' JSON, which is searched as text: see `StoredFacts`. Scanning all facts is
        acceptable because workflows are rarely activated, and avoids an index that every event would have to update.
        """
        return {"segments": list(self.segments), "labels": [f'"{label.hex}":' for label in self.labels]}


async def existing_after(
    connection: PoolConnectionProxy,
    projection: int,
    account_id: int,
    partition: int,
    after: int,
    existing: Existing,
    limit: int,
) -> list[tuple[int, StoredFacts]]:
    """Return the next `limit` of these contacts with an id above `after` in a partition number, with their facts.

    They are in the order of their ids.
    """
    rows = await QUERIES["existing_after"].fetch(
        connection,
        projection=projection,
        account_id=account_id,
        partition=partition,
        after=after,
        limit=limit,
        **existing.parameters(),
    )
    return [(row["contact_id"], StoredFacts(row["facts"])) for row in rows]


async def count_existing(connection: PoolConnectionProxy, projection: int, account_id: int, existing: Existing) -> int:
    """Return the number of these contacts in an account."""
    number: int = await QUERIES["count_existing"].fetchval(
        connection, projection=projection, account_id=account_id, **existing.parameters()
    )
    return number


async def delete_older(connection: PoolConnectionProxy, partition: int, projection: int) -> None:
    """Delete the facts of projections before this one."""
    await QUERIES["delete_older_projections"].execute(connection, partition=partition, projection=projection)
