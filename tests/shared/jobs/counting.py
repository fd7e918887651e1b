"""A kind of job that writes the numbers up to its total, three in a step."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from shared.jobs.job import Job, JobProblem
from shared.jobs.lease import Lease
from shared.jobs.runner import JobRunner
from shared.jobs.store import enqueue, find_job
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

AT_A_TIME = 3


class Published:
    """A relay that is never behind."""

    delay = 0.0


class Counting:
    """Writes numbers; `disturb` is called within each step, after its writes."""

    kind = "counting"

    def __init__(self, disturb: Callable[[Lease], Awaitable[None]] | None = None) -> None:
        self.disturb = disturb
        self.order: list[int] = []

    async def step(self, lease: Lease) -> None:
        self.order.append(lease.job.account_id)
        async with lease.advance(1) as advance:
            first = advance.cursor.get("next", 0)
            last = min(first + AT_A_TIME, advance.total or 0)
            rows = [(lease.job.id, number) for number in range(first, last)]
            await advance.work.connection.executemany("INSERT INTO counted VALUES ($1, $2)", rows)
            if self.disturb is not None:
                await self.disturb(lease)
            advance.cursor["next"] = last
            advance.done += last - first
            if first == 0:
                advance.problems.append(JobProblem(1, "/email", "invalid", "not an address"))
            if last == advance.total:
                advance.finish(counted=last)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        await work.connection.execute("INSERT INTO stopped VALUES ($1, $2)", job.id, job.state)


def runner(database: Database, kind: Counting | None = None) -> JobRunner:
    return JobRunner(database, Published(), [kind or Counting()])


async def add_job(database: Database, account_id: int = 1, total: int = 10) -> Job:
    async with database.transaction() as connection:
        return await enqueue(connection, account_id, "counting", "numbers", {"of": total}, total)


async def job_of(database: Database, job: Job) -> Job:
    found = await find_job(database.pool, job.account_id, job.id)
    assert found is not None
    return found


async def numbers_of(database: Database, job_id: UUID) -> list[int]:
    rows = await database.pool.fetch("SELECT number FROM counted WHERE job_id = $1 ORDER BY number", job_id)
    return [row["number"] for row in rows]
