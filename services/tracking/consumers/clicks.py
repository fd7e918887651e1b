"""Consumes reported clicks (topic intake.clicks)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.tracking.consumers.consent import UnappliedRefusals
from services.tracking.use_cases.click_intake import ClickIntake
from services.tracking.use_cases.held_clicks import known_keys
from shared.bus.catalog import Catalog
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

# The checks after clicks were held. A transaction that adds a contact or message, but cannot see the held clicks yet,
# ends within seconds.
CHECK_DELAYS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30))


class ClickHandler(Handler):
    """Processes reported clicks; releases held ones once their contact and message are known."""

    def __init__(self, catalog: Catalog, partitions: int, refusals: UnappliedRefusals) -> None:
        self._intake = ClickIntake(catalog, partitions)
        self._refusals = refusals
        # When to check again whether held clicks can be released, and the number of checks so far.
        self._next_check: tuple[datetime, int] | None = None

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Schedule a check: an earlier process may have held clicks and died before its last check."""
        self._next_check = work.now, 0

    def due(self, partition: int) -> datetime | None:
        """Return when to check whether a contact or message arrived while clicks that wait for it were being held."""
        return None if self._next_check is None else self._next_check[0]

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Release held clicks whose contact or message is known by now.

        In a unit of work of its own: this locks held records, which come after the locks of partition numbers.
        """
        checks = 0 if self._next_check is None else self._next_check[1]
        self._next_check = None  # another batch may hold clicks during this check
        # A transaction that added the contact or message before the click was held could not release it.
        await work.release(await known_keys(work.connection))
        if self._next_check is None and checks + 1 < len(CHECK_DELAYS):
            self._next_check = now + CHECK_DELAYS[checks + 1] - CHECK_DELAYS[checks], checks + 1

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Process reports about any contacts; see `Handler`."""
        refused = await self._refusals.read(work.connection)
        if await self._intake.take_in(work, batch, refused):
            self._next_check = work.now + CHECK_DELAYS[0], 0
