"""Consume reported clicks (topic intake.clicks)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.tracking.consumers.consent import UnappliedRefusals
from services.tracking.use_cases.click_intake import ClickIntake
from services.tracking.use_cases.held_clicks import known_keys
from shared.bus.catalog import Catalog
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

# After clicks were held: a transaction that learns what they wait for, and did not see them, ends within seconds.
LOOKS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30))


class ClickHandler(Handler):
    """Takes reported clicks in; releases those that were held once their contact and message are known."""

    def __init__(self, catalog: Catalog, partitions: int, refusals: UnappliedRefusals) -> None:
        self._intake = ClickIntake(catalog, partitions)
        self._refusals = refusals
        # When to look whether what held clicks wait for is known by now, and how many looks there were.
        self._look: tuple[datetime, int] | None = None

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Schedule a look: clicks may have been held by a process that died before it looked again."""
        self._look = work.now, 0

    def due(self, partition: int) -> datetime | None:
        """Return when to look whether what held clicks wait for arrived while they were being held."""
        return None if self._look is None else self._look[0]

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Release held clicks whose contact or message is known by now.

        In a unit of work of its own: this locks held records, which come after the locks of partition numbers.
        """
        looks = 0 if self._look is None else self._look[1]
        self._look = None  # another batch may hold clicks while this one looks
        # A transaction that learned of it before the click was held could not release it.
        await work.release(await known_keys(work.connection))
        if self._look is None and looks + 1 < len(LOOKS):
            self._look = now + LOOKS[looks + 1] - LOOKS[looks], looks + 1

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Take in reports on any contacts; see `Handler`."""
        refused = await self._refusals.read(work.connection)
        if await self._intake.take_in(work, batch, refused):
            self._look = work.now + LOOKS[0], 0
