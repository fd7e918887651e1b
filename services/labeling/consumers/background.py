"""Loops of a worker: release reports whose contact exists by now, and delete what is too old."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic

import structlog

from services.labeling.consumers.engagements import CONSUMER
from services.labeling.use_cases.engagements import release_found
from services.labeling.use_cases.imports import tidy_up
from shared.bus.errors import is_passing
from shared.store.database import Database

log = structlog.get_logger()

RELEASE_EVERY = 5.0  # seconds
TIDY_EVERY = 600.0  # seconds


class Background:
    """Runs beside the consumers in every worker; rows locked in the database keep workers apart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def release_held(self) -> None:
        """Release reports whose contact was created while they were being held; never returns."""
        await _repeat(RELEASE_EVERY, "held reports not released", self._release_held)

    async def tidy_up(self) -> None:
        """Delete files and rows of imports that are too old; never returns."""
        await _repeat(TIDY_EVERY, "old files not deleted", lambda: tidy_up(self._database, datetime.now(UTC)))

    async def _release_held(self) -> None:
        async with self._database.unit_of_work() as work:
            await release_found(work, CONSUMER)


async def _repeat(every: float, failure: str, task: Callable[[], Awaitable[None]]) -> None:
    last = monotonic()
    while True:
        await asyncio.sleep(max(0.0, last + every - monotonic()))
        last = monotonic()
        try:
            await task()
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning(failure, error=type(error).__name__)
