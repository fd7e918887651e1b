"""Deletes old mails; otherwise the table would grow with every campaign."""

from datetime import timedelta

from services.delivery.store.mails import forget_old
from shared.bus.errors import is_passing
from shared.retrying import repeat
from shared.store.database import Database

# After the end of a mail. Its request was consumed long before, and is not consumed again.
KEPT_FOR = timedelta(days=90)
AT_ONCE = 1_000  # mails in one statement
INTERVAL = 3_600.0  # seconds between two deletions


class Forgetting:
    """Deletes old mails. Several processes may run this concurrently; they delete different mails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Delete old mails, now and every hour, until the process ends."""
        await repeat(INTERVAL, "deletion of old mails", self.forget, is_passing)

    async def forget(self) -> None:
        """Delete reported mails that ended more than `KEPT_FOR` ago, in small batches."""
        while await forget_old(self._database.pool, KEPT_FOR, AT_ONCE) == AT_ONCE:
            pass
