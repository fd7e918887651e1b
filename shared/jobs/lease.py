"""The lease on a job: the only way to advance it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from shared.jobs.job import Job, JobProblem, State, job_from_row
from shared.jobs.store import QUERIES, add_problems
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

LEASE = timedelta(seconds=10)  # after this time the job of a killed worker is taken over


class LeaseLost(Exception):
    """Another worker has taken over the job, or the job has ended; the step was rolled back."""


@dataclass(slots=True)
class Advance:
    """The result of one step. A step changes `cursor` and adds to the counts; `finish` ends the job.

    Everything is committed together with the step's effects through `work`.
    """

    work: UnitOfWork
    cursor: dict[str, Any]
    done: int
    total: int | None
    result: dict[str, Any] | None = None
    problems: list[JobProblem] = field(default_factory=list)
    finished: bool = False

    def finish(self, **result: Any) -> None:
        """End the job with this result."""
        self.finished = True
        self.result = result


@dataclass(slots=True)
class Lease:
    """A job that this worker may advance. `job` is its state after the last committed step."""

    database: Database
    worker: UUID
    job: Job

    @asynccontextmanager
    async def advance(self, *partitions: int) -> AsyncIterator[Advance]:
        """Open the unit of work of one step, which holds the locks of `partitions`.

        Raises LeaseLost at its end, and rolls back, if another worker has taken over the job.
        """
        async with self.database.unit_of_work(*partitions) as work:
            job = self.job
            advance = Advance(work, dict(job.cursor), job.done, job.total)
            yield advance
            await add_problems(work.connection, job.id, advance.problems)
            after = await self._write(advance, "done" if advance.finished else "running", None)
        self.job = after

    async def stop(self, work: UnitOfWork, state: State, failure: str | None) -> None:
        """End the job as cancelled or failed. Raises LeaseLost."""
        job = self.job
        self.job = await self._write(Advance(work, dict(job.cursor), job.done, job.total), state, failure)

    async def _write(self, advance: Advance, state: State, failure: str | None) -> Job:
        job = self.job
        row = await QUERIES["advance"].fetchrow(
            advance.work.connection,
            job_id=job.id,
            worker=self.worker,
            step=job.step,
            cursor=orjson.dumps(advance.cursor).decode(),
            done=advance.done,
            total=advance.total,
            errors=job.errors + len(advance.problems),
            state=state,
            result=None if advance.result is None else orjson.dumps(advance.result).decode(),
            failure=failure,
            lease=LEASE,
        )
        if row is None:
            raise LeaseLost(str(job.id))
        return job_from_row(row)
