"""What a worker does by itself: jobs, piece by piece, and letting go of reports that were held for too long."""

import asyncio
from time import monotonic

import structlog

from services.labeling.consumers.engagements import release_found
from services.labeling.store.jobs import JobFailed, fail_job, work_on_jobs
from shared.bus.relay import Relay
from shared.store.database import Database
from shared.store.errors import is_passing

log = structlog.get_logger()

ENGAGEMENTS = "engagements"  # the consumer of `intake.engagements`
MOST_DELAY = 1.0  # seconds that the relay may be behind while a job goes on (design, "Fairness")
IDLE = 0.5  # seconds between looks for work
RELEASE_EVERY = 5.0  # seconds


class Background:
    """Runs beside the consumers, in every worker; the work itself is fenced in the database."""

    def __init__(self, database: Database, relay: Relay) -> None:
        self._database = database
        self._relay = relay

    async def run_jobs(self) -> None:
        """Does pieces of jobs while the relay keeps up; for ever."""
        while True:
            if self._relay.delay >= MOST_DELAY or not await self._piece():
                await asyncio.sleep(IDLE)

    async def _piece(self) -> bool:
        try:
            try:
                return await work_on_jobs(self._database)
            except JobFailed as failure:
                # It must not hold up those behind it.
                log.exception("job failed", job_id=str(failure.job_id))
                await fail_job(self._database, failure)
                return True
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("piece of a job put off", error=type(error).__name__)
            return False

    async def release_held(self) -> None:
        """Lets go of reports whose contact was made while they were being held; for ever."""
        last = monotonic()
        while True:
            await asyncio.sleep(max(0.0, last + RELEASE_EVERY - monotonic()))
            last = monotonic()
            try:
                async with self._database.unit_of_work() as work:
                    await release_found(work, ENGAGEMENTS)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("held reports not looked at", error=type(error).__name__)
