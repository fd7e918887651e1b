"""Jobs have exact results, whatever happens to the processes that run them."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from shared.jobs import lease as leases
from shared.jobs import runner as runners
from shared.jobs.job import JobFailed
from shared.jobs.lease import Lease
from shared.jobs.store import QUERIES, problems_of, request_cancel
from shared.store.database import Database
from tests.shared.jobs.counting import Counting, add_job, job_of, numbers_of, runner
from tests.stack.waiting import until

pytestmark = pytest.mark.asyncio


async def test_a_job_runs_step_by_step_until_it_is_done(database: Database) -> None:
    job = await add_job(database, total=10)
    await runner(database).run_until_idle()
    after = await job_of(database, job)
    assert (after.state, after.done, after.total, after.step) == ("done", 10, 10, 4)
    assert after.result == {"counted": 10}
    assert after.finished_at is not None
    assert await numbers_of(database, job.id) == list(range(10))
    assert after.errors == 1
    assert [problem.code for problem in await problems_of(database.pool, job.id, 10)] == ["invalid"]


async def test_a_step_is_repeated_after_a_transient_error(database: Database) -> None:
    failures = iter([None, OSError("away"), None, asyncpg.DeadlockDetectedError("again")])

    async def disturb(_lease: Lease) -> None:
        error = next(failures, None)
        if error is not None:
            raise error

    job = await add_job(database, total=10)
    one = runner(database, Counting(disturb))
    while (await job_of(database, job)).state != "done":
        try:
            await one.run_turn()
        except (OSError, asyncpg.DeadlockDetectedError):
            continue
    assert await numbers_of(database, job.id) == list(range(10))


async def test_an_unexpected_error_fails_the_job_and_is_named_by_its_type(database: Database) -> None:
    async def disturb(_lease: Lease) -> None:
        raise KeyError("secret@example.com")

    job, other = await add_job(database), await add_job(database, account_id=2)
    await runner(database, Counting(disturb)).run_until_idle()
    after = await job_of(database, job)
    assert after.state == "failed"
    assert after.failure == "This is an internal error (KeyError)."
    assert (await job_of(database, other)).state == "failed"
    assert await numbers_of(database, job.id) == []
    assert await database.pool.fetchval("SELECT state FROM stopped WHERE job_id = $1", job.id) == "failed"


async def test_a_failed_job_has_the_reason_that_its_step_gave(database: Database) -> None:
    async def disturb(_lease: Lease) -> None:
        raise JobFailed("The label was deleted.")

    job = await add_job(database)
    await runner(database, Counting(disturb)).run_until_idle()
    assert (await job_of(database, job)).failure == "The label was deleted."


async def test_a_job_is_cancelled_between_two_steps(database: Database) -> None:
    async def disturb(lease: Lease) -> None:
        if lease.job.step == 1:
            await request_cancel(database.pool, 1, lease.job.id)

    job = await add_job(database, total=10)
    await runner(database, Counting(disturb)).run_until_idle()
    after = await job_of(database, job)
    assert (after.state, after.done) == ("cancelled", 6)
    assert await numbers_of(database, job.id) == list(range(6))
    assert await database.pool.fetchval("SELECT state FROM stopped") == "cancelled"
    assert await request_cancel(database.pool, 1, job.id) is None


async def test_concurrent_runners_apply_each_step_once(database: Database) -> None:
    jobs = [await add_job(database, account_id=number % 3 + 1, total=20) for number in range(6)]
    await asyncio.gather(*(runner(database).run_until_idle() for _ in range(3)))
    for job in jobs:
        assert await numbers_of(database, job.id) == list(range(20))


async def test_accounts_take_turns(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "TURN", 0.0)
    for _ in range(3):
        await add_job(database, account_id=1, total=30)
    await add_job(database, account_id=2, total=9)
    kind = Counting()
    await runner(database, kind).run_until_idle()
    last = len(kind.order) - 1 - kind.order[::-1].index(2)
    assert last <= 6, kind.order


async def test_the_job_of_a_killed_worker_is_taken_over(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.3))
    monkeypatch.setattr(runners, "LEASE", timedelta(seconds=0.3))
    reached = asyncio.Event()

    async def hang(lease: Lease) -> None:
        if lease.job.step == 2:
            reached.set()
            await asyncio.Event().wait()

    job = await add_job(database, total=10)
    hanging = asyncio.create_task(runner(database, Counting(hang)).run_turn())
    await reached.wait()
    with monkeypatch.context() as killed:
        killed.setattr(runners.JobRunner, "_give_up", _nothing)  # as if the process had been killed
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
    other = runner(database)
    await until(other.run_turn)
    await other.run_until_idle()
    assert (await job_of(database, job)).state == "done"
    assert await numbers_of(database, job.id) == list(range(10))


async def test_a_worker_that_lost_its_lease_commits_no_further_step(database: Database) -> None:
    other = runner(database)

    async def lose(lease: Lease) -> None:
        if lease.job.step == 1:
            await database.pool.execute("UPDATE background_jobs SET leased_until = now() - interval '1 s'")
            assert await claim(database, other, leases.LEASE)

    job = await add_job(database, total=10)
    await runner(database, Counting(lose)).run_turn()
    assert await numbers_of(database, job.id) == [0, 1, 2]
    await other.run_until_idle()
    assert await numbers_of(database, job.id) == list(range(10))


async def test_a_step_that_repeatedly_ends_its_process_fails_the_job(database: Database) -> None:
    job = await add_job(database)
    for _ in range(runners.MOST_TAKEOVERS + 1):
        assert await claim(database, runner(database), timedelta(0))
    await runner(database).run_until_idle()
    after = await job_of(database, job)
    assert after.state == "failed"
    assert after.failure == "The worker process ended several times at the same step."


async def claim(database: Database, taker: runners.JobRunner, lease: timedelta) -> bool:
    row = await QUERIES["claim"].fetchrow(database.pool, worker=taker._worker, kinds=["counting"], lease=lease, most=2)
    return row is not None


async def _nothing(*_arguments: object) -> None:
    return None
