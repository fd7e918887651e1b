"""Jobs that assign a label to, or remove it from, many contacts."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)


class AssignmentJob(NamedTuple):
    """A job's set of contacts, and the label that they get or lose."""

    of: dict[str, Any]
    label_id: UUID
    held: bool


async def insert_assignment_job(
    connection: PoolConnectionProxy, job_id: UUID, account_id: int, of: Mapping[str, Any], label_id: UUID, *, held: bool
) -> None:
    """Insert the definition of a job."""
    await QUERIES["insert"].execute(
        connection, job_id=job_id, account_id=account_id, of=orjson.dumps(of).decode(), label_id=label_id, held=held
    )


async def find_assignment_job(connection: Executor, account_id: int, job_id: UUID) -> AssignmentJob | None:
    """Return the definition of a job of the account, or None."""
    row = await QUERIES["find"].fetchrow(connection, account_id=account_id, job_id=job_id)
    return None if row is None else AssignmentJob(orjson.loads(row["of"]), UUID(int=row["label_id"].int), row["held"])


async def add_effects(connection: PoolConnectionProxy, job_id: UUID, step: int, contacts: BitMap) -> None:
    """Store the contacts that a step changed."""
    if contacts:
        await QUERIES["add_effects"].execute(connection, job_id=job_id, step=step, contacts=contacts.serialize())


async def effects_of(connection: Executor, job_id: UUID) -> BitMap:
    """Return the contacts that a job changed."""
    rows = await QUERIES["effects"].fetch(connection, job_id=job_id)
    return BitMap.union(BitMap(), *(BitMap.deserialize(row["contacts"]) for row in rows))
