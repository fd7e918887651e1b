"""The consumer of the contact topics."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from services.workflow.domain.turns import Turns
from services.workflow.store import backlog, contacts, occurrences, runs
from services.workflow.use_cases.broken_workflows import BrokenWorkflows
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.consuming import Consumption
from services.workflow.use_cases.loaded_workflows import LoadedWorkflows
from services.workflow.use_cases.metrics import EVENTS_DECIDED
from services.workflow.use_cases.run_unit import Unit
from services.workflow.use_cases.ticking import Ticking
from shared.bus.handler import IMMEDIATELY, Handler
from shared.bus.received import Received
from shared.events.workflow import WorkflowChanged
from shared.store.unit_of_work import UnitOfWork

TOPICS = (
    "labeling.contacts",  # first: conditions are true for known contacts only
    "labeling.engagements",
    "labeling.labels",
    "segmentation.memberships",
    "tracking.clicks",
)
MOST_DELAY = 1.0  # seconds that the relay may be behind during bulk work
WAIT_FOR_RELAY = timedelta(milliseconds=200)
TIDY_INTERVAL = timedelta(hours=1)


class WorkflowHandler(Handler):
    """Folds facts, starts and moves runs, and fires timers.

    `projection` is the version of the facts. A new version is folded from the beginning of the topics, without
    processing any event a second time. `delay` returns how many seconds the relay is behind.
    """

    ticks_together = True

    def __init__(
        self,
        catalogs: Catalogs,
        projection: int = 1,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        delay: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._catalogs = catalogs
        self._broken = BrokenWorkflows(catalogs)
        self._delay = delay
        self._with_blocked_runs: set[int] = set()
        self._projection = projection
        self._workflows = LoadedWorkflows()
        self._next_due: dict[int, datetime | None] = {}
        self._tidied_at: dict[int, datetime] = {}
        self._clock = clock
        self._turns: dict[int, Turns] = {}
        self._wake_count = 0

    def changed(self, event: object) -> None:
        """Tick at once after a change of a workflow or, while runs are blocked, of any object in the catalogs."""
        if isinstance(event, WorkflowChanged):
            self._wake(self._next_due)
        elif self._with_blocked_runs:
            self._wake(self._with_blocked_runs)

    def wake(self) -> None:
        """Tick at once: another process has changed the time at which a run is due."""
        self._wake(self._next_due)

    def _wake(self, partitions: Iterable[int]) -> None:
        self._wake_count += 1
        for partition in partitions:
            if partition in self._next_due:
                self._next_due[partition] = IMMEDIATELY
        self.due_changed()

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Tick at once, to find the runs that are due."""
        self._next_due[partition] = IMMEDIATELY

    def dropped(self, partition: int) -> None:
        self._next_due.pop(partition, None)
        self._turns.pop(partition, None)
        self._with_blocked_runs.discard(partition)

    def due(self, partition: int) -> datetime | None:
        return self._next_due.get(partition)

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply the records of all partition numbers together: a statement costs the same for one as for many."""
        unit = await self._create_unit(work, {record.partition for record in batch}, self._clock())
        consumption = Consumption(unit, self._workflows, self._broken)
        await consumption.run(batch)

        def committed() -> None:
            EVENTS_DECIDED.inc(consumption.decided)
            self._with_blocked_runs |= unit.with_blocked_runs
            for partition, due_at in unit.next_due.items():
                current = self._next_due.get(partition)
                if current is None or due_at < current:
                    self._next_due[partition] = due_at

        work.after_commit(committed)

    async def tick_together(self, work: UnitOfWork, partitions: Sequence[int], now: datetime) -> None:
        wake_count = self._wake_count
        unit = await self._create_unit(work, partitions, now)
        turns = {partition: self._turns.setdefault(partition, Turns()) for partition in partitions}
        result = await Ticking(unit, self._broken, turns, now, may_do_bulk=self._delay() < MOST_DELAY).run()
        await unit.look_back()
        await unit.save()
        for partition in partitions:
            await self._tidy(work, partition, now)
        next_due: dict[int, datetime | None] = dict.fromkeys(partitions)
        next_due.update(await runs.next_due(work.connection, partitions))
        next_due.update(dict.fromkeys(result.again, now))
        for partition in result.bulk_waits:
            next_due[partition] = min(next_due[partition] or now + WAIT_FOR_RELAY, now + WAIT_FOR_RELAY)

        def committed() -> None:
            if self._wake_count == wake_count:
                self._next_due.update(next_due)
            self._with_blocked_runs -= set(partitions) - unit.with_blocked_runs
            self._with_blocked_runs |= unit.with_blocked_runs

        work.after_commit(committed)

    async def _tidy(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Delete old events, and facts of earlier projections, once an hour.

        It is called only after the projection has caught up.
        """
        if now - self._tidied_at.setdefault(partition, now) >= TIDY_INTERVAL:
            await occurrences.forget(work.connection, partition, now)
            await contacts.delete_older(work.connection, partition, self._projection)
            self._tidied_at[partition] = now

    async def _create_unit(self, work: UnitOfWork, partitions: Collection[int], now: datetime) -> Unit:
        states = await backlog.load(work.connection, partitions, self._projection)
        if await self._workflows.refresh(work.connection, states.revision):
            # A definition may name something that was added to the catalogs a moment ago.
            await self._catalogs.catalog.refresh()
        return Unit(work, self._workflows, self._catalogs, self._projection, now, states.by_partition)
