"""Jobs and their progress."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)

Kind = Literal["label_deletion", "field_deletion"]


class Job(NamedTuple):
    """A job and its progress: the current partition number, and the last contact of it that is done."""

    id: UUID
    account_id: int
    kind: Kind
    subject: str
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int | None
    partition: int
    contact_id: int
    result: dict[str, Any] | None
    errors: list[Any]
    created_at: datetime
    changed_at: datetime


def _job(row: Record) -> Job:
    return Job(
        UUID(int=row["job_id"].int),
        row["account_id"],
        row["kind"],
        row["subject"],
        row["state"],
        row["done"],
        row["total"],
        row["partition"],
        row["contact_id"],
        None if row["result"] is None else orjson.loads(row["result"]),
        orjson.loads(row["errors"]),
        row["created_at"],
        row["changed_at"],
    )


async def insert_job(connection: PoolConnectionProxy, account_id: int, kind: Kind, subject: str) -> Job:
    """Queue a job, in the transaction that makes it necessary."""
    row = await QUERIES["insert_job"].fetchrow(
        connection, job_id=uuid7(), account_id=account_id, kind=kind, subject=subject
    )
    assert row is not None
    return _job(row)


async def job_of_id(connection: Executor, account_id: int, job_id: UUID) -> Job | None:
    """Return a job of the account, or None."""
    row = await QUERIES["job_of_id"].fetchrow(connection, account_id=account_id, job_id=job_id)
    return None if row is None else _job(row)


async def jobs_of_account(connection: Executor, account_id: int, before: UUID | None, limit: int) -> list[Job]:
    """Return a page of the account's jobs, newest first."""
    rows = await QUERIES["jobs_of_account"].fetch(connection, account_id=account_id, before=before, limit=limit)
    return [_job(row) for row in rows]


async def next_job(connection: Executor) -> tuple[UUID, int] | None:
    """Return the oldest open job and its current partition number."""
    row = await QUERIES["next_job"].fetchrow(connection)
    return None if row is None else (row["job_id"], row["partition"])


async def take_job(connection: PoolConnectionProxy, job_id: UUID, partition: int) -> Job | None:
    """Lock a job; return None if another worker has it or has advanced it."""
    row = await QUERIES["take_job"].fetchrow(connection, job_id=job_id, partition=partition)
    return None if row is None else _job(row)


async def update_job(connection: PoolConnectionProxy, job: Job) -> None:
    """Write the progress of a job."""
    await QUERIES["advance_job"].execute(
        connection,
        job_id=job.id,
        state=job.state,
        partition=job.partition,
        contact_id=job.contact_id,
        done=job.done,
        total=job.total,
        result=None if job.result is None else orjson.dumps(job.result).decode(),
    )


async def fail_job(connection: Executor, job_id: UUID, code: str, detail: str) -> None:
    """Mark a job as failed; what it has done stays."""
    errors = orjson.dumps([{"code": code, "detail": detail}]).decode()
    await QUERIES["fail_job"].execute(connection, job_id=job_id, errors=errors)
