"""A loop of a worker: release reports whose contact exists by now."""

import asyncio
from time import monotonic

import structlog

from services.labeling.consumers.engagements import CONSUMER
from services.labeling.use_cases.engagements import release_found
from shared.bus.errors import is_passing
from shared.store.database import Database

log = structlog.get_logger()

RELEASE_EVERY = 5.0  # seconds


class Background:
    """Runs beside the consumers in every worker; rows locked in the database keep workers apart."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
