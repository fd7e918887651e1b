"""Facts of contacts: one row each."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.facts import StoredFacts
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

Contact = tuple[int, int]  # account_id, contact_id


def columns(contacts: Iterable[Contact]) -> dict[str, list[int]]:
    """Return the parameters `account_ids` and `contact_ids` of a query, in the same order."""
    pairs = list(contacts)
    return {"account_ids": [account for account, _ in pairs], "contact_ids": [contact for _, contact in pairs]}


async def load(
    connection: PoolConnectionProxy, projection: int, contacts: Collection[Contact]
) -> dict[Contact, StoredFacts]:
    """The facts of each contact; empty ones where nothing is known."""
    facts = {contact: StoredFacts() for contact in contacts}
    for row in await QUERIES["contacts_of_ids"].fetch(connection, projection=projection, **columns(contacts)):
        facts[row["account_id"], row["contact_id"]] = StoredFacts(row["facts"])
    return facts


async def save(
    connection: PoolConnectionProxy, projection: int, partition: int, changed: Mapping[Contact, StoredFacts]
) -> None:
    """Writes facts; rows of contacts of which nothing is known any more are deleted."""
    stored = {contact: facts.stored() for contact, facts in changed.items()}
    kept = [(contact, body) for contact, body in sorted(stored.items()) if body is not None]
    if kept:
        await QUERIES["write_contacts"].execute(
            connection,
            projection=projection,
            partition=partition,
            **columns(contact for contact, _ in kept),
            facts=[body for _, body in kept],
            segments=[_array(changed[contact].segments) for contact, _ in kept],
        )
    gone = [contact for contact, body in stored.items() if body is None]
    if gone:
        await QUERIES["delete_contacts"].execute(connection, projection=projection, **columns(gone))


def _array(ids: list[UUID]) -> str:
    # Arrays of arrays do not unnest row by row; a text that PostgreSQL reads as an array does.
    return "{" + ",".join(map(str, ids)) + "}"


async def members_after(
    connection: PoolConnectionProxy,
    projection: int,
    account_id: int,
    partition: int,
    after: int,
    segments: Collection[UUID],
    limit: int,
) -> list[tuple[int, StoredFacts]]:
    """Contacts of a partition that are in one of the segments, by id, after one of them."""
    rows = await QUERIES["members_after"].fetch(
        connection,
        projection=projection,
        account_id=account_id,
        partition=partition,
        after=after,
        segments=list(segments),
        limit=limit,
    )
    return [(row["contact_id"], StoredFacts(row["facts"])) for row in rows]


async def count_members(
    connection: PoolConnectionProxy, projection: int, account_id: int, segments: Collection[UUID]
) -> int:
    """How many contacts are in one of the segments."""
    number: int = await QUERIES["count_members"].fetchval(
        connection, projection=projection, account_id=account_id, segments=list(segments)
    )
    return number


async def delete_older(connection: PoolConnectionProxy, partition: int, projection: int) -> None:
    """Deletes the facts of projections before this one."""
    await QUERIES["delete_older_projections"].execute(connection, partition=partition, projection=projection)
