"""Forgets mails that ended long ago: the table would grow with every campaign."""

from datetime import timedelta

from services.delivery.store.mails import forget_old
from shared.bus.errors import is_passing
from shared.retrying import repeat
from shared.store.database import Database

KEPT = timedelta(days=90)  # after the end of a mail; its request was read long before, and is not read again
AT_ONCE = 1_000  # mails
EVERY = 3_600.0  # seconds


class Forgetting:
    """Deletes old mails for one process; several delete different ones, or find none left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Delete old mails, now and every hour, for as long as the process lives."""
        await repeat(EVERY, "deletion of old mails", self.forget, is_passing)

    async def forget(self) -> None:
        """Delete what ended more than `KEPT` ago and was reported, a little at a time."""
        while await forget_old(self._database.pool, KEPT, AT_ONCE) == AT_ONCE:
            pass
