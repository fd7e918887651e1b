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

# delays after clicks were held: a transaction that adds what they wait for but did not see them ends within seconds
LOOKS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30))


class ClickHandler(Handler):
    """Processes reported clicks; releases held ones once their contact and message are known."""

    def __init__(self, catalog: Catalog, partitions: int, refusals: UnappliedRefusals) -> None:
        self._intake = ClickIntake(catalog, partitions)
        self._refusals = refusals
        # When to check again whether held clicks can be released, and the number of checks so far.
        self._look: tuple[datetime, int] | None = None

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Schedule a check: a process may have held clicks and died before it checked again."""
        self._look = work.now, 0

    def due(self, partition: int) -> datetime | None:
        """Return when to check whether the awaited contacts or messages arrived while clicks were being held."""
        return None if self._look is None else self._look[0]

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Release held clicks whose contact or message is known by now.

        In a unit of work of its own: this locks held records, which come after the locks of partition numbers.
        """
        looks = 0 if self._look is None else self._look[1]
        self._look = None  # another batch may hold clicks during this check
        # A transaction that added the contact or message before the click was held could not release it.
        await work.release(await known_keys(work.connection))
        if self._look is None and looks + 1 < len(LOOKS):
            self._look = now + LOOKS[looks + 1] - LOOKS[looks], looks + 1

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Process reports about any contacts; see `Handler`."""
        refused = await self._refusals.read(work.connection)
        if await self._intake.take_in(work, batch, refused):
            self._look = work.now + LOOKS[0], 0
