"""Deletes old mails; otherwise the table would grow with every campaign."""

from datetime import timedelta

from services.delivery.store.mails import forget_old
from shared.bus.errors import is_passing
from shared.retrying import repeat
from shared.store.database import Database

KEPT = timedelta(days=90)  # after the end of a mail; its request was read long before, and is not read again
AT_ONCE = 1_000  # mails
EVERY = 3_600.0  # seconds


class Forgetting:
    """Deletes old mails. Several processes may run this concurrently; they delete different mails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Delete old mails, now and every hour, for as long as the process lives."""
        await repeat(EVERY, "deletion of old mails", self.forget, is_passing)

    async def forget(self) -> None:
        """Delete reported mails that ended more than `KEPT` ago, in small batches."""
        while await forget_old(self._database.pool, KEPT, AT_ONCE) == AT_ONCE:
            pass
