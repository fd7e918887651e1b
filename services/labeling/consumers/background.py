"""Periodic tasks of a worker: release held reports whose contact now exists, and delete expired data."""

from datetime import UTC, datetime

from services.labeling.consumers.engagements import CONSUMER
from services.labeling.use_cases.engagements import release_found
from services.labeling.use_cases.imports import tidy_up
from shared.bus.errors import is_passing
from shared.retrying import repeat
from shared.store.database import Database

RELEASE_EVERY = 5.0  # seconds
TIDY_EVERY = 600.0  # seconds


class Background:
    """Runs in every worker beside the consumers; row locks keep workers from doing the same work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def release_held(self) -> None:
        """Release held reports whose contact has been created since, every `RELEASE_EVERY` seconds; never returns."""
        await repeat(RELEASE_EVERY, "release of held reports", self._release_held, is_passing)

    async def tidy_up(self) -> None:
        """Delete expired files and rows of imports, every `TIDY_EVERY` seconds; never returns."""
        await repeat(TIDY_EVERY, "deletion of old files", self._tidy_up, is_passing)

    async def _tidy_up(self) -> None:
        await tidy_up(self._database, datetime.now(UTC))

    async def _release_held(self) -> None:
        async with self._database.unit_of_work() as work:
            await release_found(work, CONSUMER)
