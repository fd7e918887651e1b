"""Loops of a worker: run jobs, and release reports whose contact exists by now."""

import asyncio
from time import monotonic

import structlog

from services.labeling.consumers.engagements import CONSUMER
from services.labeling.use_cases.engagements import release_found
from services.labeling.use_cases.jobs import JobFailed, fail_job, work_on_jobs
from shared.bus.relay import Relay
from shared.store.database import Database
from shared.store.errors import is_passing

log = structlog.get_logger()

MOST_DELAY = 1.0  # seconds; while the relay is further behind, jobs pause
IDLE = 0.5  # seconds between looks for work
RELEASE_EVERY = 5.0  # seconds


class Background:
    """Runs beside the consumers in every worker; rows locked in the database keep workers apart."""

    def __init__(self, database: Database, relay: Relay) -> None:
        self._database = database
        self._relay = relay

    async def run_jobs(self) -> None:
        """Do pieces of jobs while the relay keeps up; never returns."""
        while True:
            if self._relay.delay >= MOST_DELAY or not await self._piece():
                await asyncio.sleep(IDLE)

    async def _piece(self) -> bool:
        try:
            try:
                return await work_on_jobs(self._database)
            except JobFailed as failure:
                # It must not delay the jobs behind it.
                log.exception("job failed", job_id=str(failure.job_id))
                await fail_job(self._database, failure)
                return True
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("piece of a job postponed", error=type(error).__name__)
            return False

    async def release_held(self) -> None:
        """Release reports whose contact was created while they were being held; never returns."""
        last = monotonic()
        while True:
            await asyncio.sleep(max(0.0, last + RELEASE_EVERY - monotonic()))
            last = monotonic()
            try:
                async with self._database.unit_of_work() as work:
                    await release_found(work, CONSUMER)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("held reports not released", error=type(error).__name__)
