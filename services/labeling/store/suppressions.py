"""Suppressed addresses, as keyed hashes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from services.labeling.domain.suppressions import VERSION, Hash
from services.labeling.store.history import encode_origin
from shared.events.parts import Origin
from shared.store.counting import count_up_to_most
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class Suppression(NamedTuple):
    """A suppressed address."""

    id: UUID
    hash: bytes
    reason: str | None
    origin: dict[str, Any]
    created_at: datetime


def _suppression(row: Record) -> Suppression:
    suppression_id = UUID(int=row["suppression_id"].int)
    return Suppression(suppression_id, row["hash"], row["reason"], orjson.loads(row["origin"]), row["created_at"])


async def insert_suppression(
    connection: PoolConnectionProxy, account_id: int, hash_: Hash, reason: str | None, origin: Origin
) -> bool:
    """Insert a suppression; return False if the address is suppressed already."""
    inserted = await QUERIES["insert_suppression"].execute(
        connection,
        suppression_id=uuid7(),
        account_id=account_id,
        hash=hash_.value,
        key_id=hash_.key_id,
        version=VERSION,
        reason=reason,
        origin=encode_origin(origin),
    )
    return inserted == 1


async def suppressed(
    connection: PoolConnectionProxy, account_id: int, hashes: Sequence[bytes]
) -> dict[bytes, Suppression]:
    """Return the suppressions with these hashes."""
    if not hashes:
        return {}
    rows = await QUERIES["suppressed_hashes"].fetch(connection, account_id=account_id, hashes=list(hashes))
    return {suppression.hash: suppression for suppression in map(_suppression, rows)}


async def suppressions_of_account(
    connection: PoolConnectionProxy, account_id: int, after: UUID | None, limit: int
) -> tuple[list[Suppression], int | None]:
    """Return a page of the account's suppressions, oldest first, and the number of all.

    The number is None if it exceeds MOST_COUNTED.
    """
    rows = await QUERIES["suppressions_of_account"].fetch(connection, account_id=account_id, after=after, limit=limit)
    total = await count_up_to_most(QUERIES["count_suppressions"], connection, account_id=account_id)
    return [_suppression(row) for row in rows], total


async def delete_suppression(connection: PoolConnectionProxy, account_id: int, suppression_id: UUID) -> bool:
    """Delete a suppression; return False if there is none."""
    deleted = await QUERIES["delete_suppression"].execute(
        connection, account_id=account_id, suppression_id=suppression_id
    )
    return deleted == 1


async def delete_hashes(connection: PoolConnectionProxy, account_id: int, hashes: Sequence[bytes]) -> None:
    """Delete the suppressions with these hashes."""
    await QUERIES["delete_hashes"].execute(connection, account_id=account_id, hashes=list(hashes))
