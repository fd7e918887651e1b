"""Runs jobs in a worker; accounts take turns."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic, perf_counter
from typing import Protocol
from uuid import uuid4

import asyncpg
import structlog

from shared.bus.errors import is_passing
from shared.jobs import metrics
from shared.jobs.job import Job, JobFailed, JobKind, State, job_from_row
from shared.jobs.lease import LEASE, Lease, LeaseLost
from shared.jobs.store import QUERIES
from shared.retrying import until_it_works
from shared.store.database import Database

log = structlog.get_logger()

TURN = 1.0  # seconds of steps; then it is the next account's turn
BUSY_INTERVAL = 0.25  # seconds between checks for jobs while some were run recently
IDLE_INTERVAL = 1.0  # seconds between checks otherwise
BUSY_FOR = 10.0  # seconds after the last job in which BUSY_INTERVAL applies
RENEW_EVERY = LEASE.total_seconds() / 4
MOST_DELAY = 1.0  # seconds that the relay may be behind while jobs run
MOST_PER_ACCOUNT = 2  # running jobs of one account, over all workers
MOST_TAKEOVERS = 3  # of one step
MEASURE_EVERY = 5.0  # seconds
KEEP_FINISHED = timedelta(days=90)


class Publishing(Protocol):
    """How far publishing is behind, such as a `shared.bus.relay.Relay`."""

    @property
    def delay(self) -> float:
        """Seconds since the oldest unpublished event was written."""


class JobRunner:
    """Advances the jobs of a service's database. Every worker process has a runner; leases divide the jobs among
    them."""

    def __init__(self, database: Database, publishing: Publishing, kinds: Iterable[JobKind]) -> None:
        self._database = database
        self._publishing = publishing
        self._kinds = {kind.kind: kind for kind in kinds}
        self._worker = uuid4()
        self._measured_at = float("-inf")
        self._measured_labels: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Advance jobs until cancelled; wait while the relay is behind or PostgreSQL is unavailable."""
        worked_at = monotonic()
        while True:
            if await until_it_works("jobs", self._run_next, is_passing):
                worked_at = monotonic()
            else:
                await asyncio.sleep(BUSY_INTERVAL if monotonic() - worked_at < BUSY_FOR else IDLE_INTERVAL)

    async def _run_next(self) -> bool:
        await self._measure()
        return self._publishing.delay < MOST_DELAY and await self.run_turn()

    async def run_until_idle(self) -> None:
        """Advance jobs until no open job is left that this runner may take."""
        while await self.run_turn():
            pass

    async def run_turn(self) -> bool:
        """Advance the job whose turn it is for up to a second. Return False if there is none to take."""
        row = await QUERIES["claim"].fetchrow(
            self._database.pool, worker=self._worker, kinds=list(self._kinds), lease=LEASE, most=MOST_PER_ACCOUNT
        )
        if row is None:
            return False
        lease = Lease(self._database, self._worker, job_from_row(row))
        if row["takeovers"]:
            metrics.TAKEOVERS.inc()
            log.warning("job taken over", job_id=str(lease.job.id), kind=lease.job.kind, times=row["takeovers"])
        try:
            async with self._heartbeat(lease.job):
                if row["takeovers"] > MOST_TAKEOVERS:
                    await self._stop(lease, "failed", "The worker process ended several times at the same step.")
                else:
                    await self._advance(lease)
        except LeaseLost:
            log.warning("job lost to another worker", job_id=str(lease.job.id))
        finally:
            # While the database is unavailable, the lease is not given up; it expires.
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._give_up(lease.job)
        return True

    async def _advance(self, lease: Lease) -> None:
        until = monotonic() + TURN
        kind = self._kinds[lease.job.kind]
        while lease.job.state == "running":
            if lease.job.cancel_requested:
                await self._stop(lease, "cancelled", None)
                return
            try:
                await self._step(kind, lease)
            except LeaseLost:
                raise
            except JobFailed as failure:
                await self._stop(lease, "failed", str(failure))
                return
            except Exception as error:
                if is_passing(error):
                    raise
                log.exception("job failed", job_id=str(lease.job.id), kind=lease.job.kind)
                await self._stop(lease, "failed", f"This is an internal error ({type(error).__name__}).")
                return
            if monotonic() > until or self._publishing.delay >= MOST_DELAY:
                return
        metrics.JOBS_ENDED.labels(lease.job.kind, lease.job.state).inc()

    async def _step(self, kind: JobKind, lease: Lease) -> None:
        before, started = lease.job.step, perf_counter()
        await kind.step(lease)
        if lease.job.step == before:
            raise RuntimeError(f"a step of {kind.kind} did not advance the job")
        metrics.STEP_SECONDS.labels(kind.kind).observe(perf_counter() - started)

    async def _stop(self, lease: Lease, state: State, failure: str | None) -> None:
        job = lease.job
        stopping = job._replace(state=state, failure=failure)
        async with self._database.unit_of_work() as work:
            await self._kinds[job.kind].stopped(work, stopping)
            await lease.stop(work, state, failure)
        metrics.JOBS_ENDED.labels(job.kind, state).inc()

    async def _give_up(self, job: Job) -> None:
        async with self._database.transaction() as connection:
            await QUERIES["give_up"].execute(connection, job_id=job.id, worker=self._worker)
            await QUERIES["take_turn"].execute(connection, account_id=job.account_id)

    @asynccontextmanager
    async def _heartbeat(self, job: Job) -> AsyncIterator[None]:
        """Renew the lease during steps, because a step may take longer than the lease."""
        task = asyncio.create_task(self._renew(job))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await QUERIES["renew"].execute(self._database.pool, job_id=job.id, worker=self._worker, lease=LEASE)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("lease not renewed", error=type(error).__name__)

    async def _measure(self) -> None:
        if monotonic() - self._measured_at < MEASURE_EVERY:
            return
        self._measured_at = monotonic()
        rows = await QUERIES["count_open"].fetch(self._database.pool)
        counts = {(row["kind"], row["state"]): row["jobs"] for row in rows}
        for labels in self._measured_labels | counts.keys():
            metrics.OPEN_JOBS.labels(*labels).set(counts.get(labels, 0))
        self._measured_labels |= counts.keys()
        now = datetime.now(UTC)
        waits = [(now - row["oldest"]).total_seconds() for row in rows if row["state"] == "queued"]
        metrics.OLDEST_QUEUED.set(max(waits, default=0.0))
        await QUERIES["forget_finished"].execute(self._database.pool, before=now - KEEP_FINISHED)
