"""Background jobs in the database of the service that runs them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from shared.jobs.job import Job, JobProblem, job_from_row
from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)
_PROBLEM_COLUMNS = ("job_id", "number", "pointer", "code", "detail")


async def enqueue(
    connection: PoolConnectionProxy,
    account_id: int,
    kind: str,
    subject: str,
    specification: Mapping[str, Any] | None = None,
    total: int | None = None,
) -> Job:
    """Add a job, in the transaction of `connection`."""
    row = await QUERIES["add"].fetchrow(
        connection,
        job_id=uuid7(),
        account_id=account_id,
        kind=kind,
        subject=subject,
        specification=orjson.dumps(specification or {}).decode(),
        total=total,
    )
    assert row is not None
    return job_from_row(row)


async def find_job(connection: Executor, account_id: int, job_id: UUID) -> Job | None:
    """Return a job of the account, or None."""
    row = await QUERIES["job_of_id"].fetchrow(connection, account_id=account_id, job_id=job_id)
    return None if row is None else job_from_row(row)


async def list_jobs(
    connection: Executor,
    account_id: int,
    *,
    before: UUID | None = None,
    state: str | None = None,
    kind: str | None = None,
    limit: int,
) -> list[Job]:
    """Return jobs of the account that are older than the job `before`, newest first."""
    rows = await QUERIES["jobs_of_account"].fetch(
        connection, account_id=account_id, before=before, state=state, kind=kind, limit=limit
    )
    return [job_from_row(row) for row in rows]


async def request_cancel(connection: Executor, account_id: int, job_id: UUID) -> Job | None:
    """Request that a job stops before its next step. Return None if it is unknown or has ended."""
    row = await QUERIES["request_cancel"].fetchrow(connection, account_id=account_id, job_id=job_id)
    return None if row is None else job_from_row(row)


async def problems_of(connection: Executor, job_id: UUID, limit: int) -> list[JobProblem]:
    """Return the first problems of a job."""
    rows = await QUERIES["problems_of_job"].fetch(connection, job_id=job_id, limit=limit)
    return [JobProblem(*row) for row in rows]


async def add_problems(connection: PoolConnectionProxy, job_id: UUID, problems: Sequence[JobProblem]) -> None:
    """Add problems to a job."""
    if problems:
        records = [(job_id, *problem) for problem in problems]
        await connection.copy_records_to_table("background_job_problems", records=records, columns=_PROBLEM_COLUMNS)
