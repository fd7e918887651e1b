"""Processes a group of partition numbers of a consumer in few, full transactions, each with its checkpoints."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from time import perf_counter

import structlog

from shared import metrics
from shared.bus.assigned import BATCH, POLL, AssignedPartition
from shared.bus.batch_unit import BatchUnit, PartitionBatch, failure_of, flush, handle, reason_of
from shared.bus.checkpoints import Checkpoints
from shared.bus.dealing import deal
from shared.bus.errors import is_passing
from shared.bus.handler import Consumer, HandlerFailed, PartitionStopped
from shared.bus.partition_group import PartitionGroup
from shared.bus.reading import read
from shared.bus.received import Received
from shared.bus.record import PartitionId
from shared.retrying import Pauses
from shared.store.database import Database
from shared.store.errors import Fenced, UnsafeToRun
from shared.waking import woken_within
from shared.yielding import yielding

log = structlog.get_logger()

PAUSE_AT = 200_000  # unpublished events
# A batch of one record costs as much as a batch of ten. A small batch begins this long after the previous one, so that
# more records join it. On an overloaded machine batches take long; a pause in proportion to their duration makes them
# fewer and larger.
SMALL = 200  # records
PACE = 0.05  # seconds from the beginning of a small batch to that of the next one
REST, LONGEST_REST = 3, 0.25  # times the duration of a small batch; at most so many seconds
IDLE = 1.0  # seconds between checks for changes without a notification


class Processor:
    """The partition numbers of one group: their waiting records are applied in one unit of work.

    Numbers that are being opened or replayed, or are stopped, are excluded. A number on which the code has failed is
    processed separately until it makes progress again. `run` continues until it is cancelled, or raises UnsafeToRun.
    """

    def __init__(
        self,
        consumer: Consumer,
        database: Database,
        checkpoints: Checkpoints,
        ends: Callable[[Iterable[PartitionId]], Awaitable[Mapping[PartitionId, int]]],
        clock: Callable[[], datetime],
        backlog: Callable[[], int],
    ) -> None:
        self.consumer = consumer
        self.checkpoints = checkpoints
        self._database = database
        self._ends = ends
        self._clock = clock
        self._backlog = backlog
        self._wake = asyncio.Event()
        self._group = PartitionGroup(consumer, database, checkpoints, self.wake)
        self._pauses = Pauses()

    def wake(self) -> None:
        """Look for something to do."""
        self._wake.set()

    def add(self, partition: AssignedPartition) -> None:
        """Open a partition number, and process it from then on."""
        self._group.add(partition)

    async def remove(self, numbers: Iterable[int]) -> None:
        """Give partition numbers up to their next owner, once the current unit of work has ended."""
        await self._group.remove(numbers)

    # Work

    async def run(self) -> None:
        """Run units of work for ever; retry those that fail temporarily."""
        try:
            while True:
                self._wake.clear()
                began = perf_counter()
                try:
                    async with self._group.turn:
                        count = await self._round()
                    self._pauses.reset()
                except UnsafeToRun:
                    raise
                except Exception as error:
                    if not is_passing(error):
                        log.exception("consumer failed", consumer=self.consumer.name)
                        self._group.reopen(self._group.open_partitions())
                    await self._rest_after(error)
                    continue
                if self._group.refused is not None:
                    raise self._group.refused
                if count is None:
                    await self._wait()
                else:
                    await self._gather(began, count)
        finally:
            await self._group.close()

    async def _rest_after(self, error: Exception) -> None:
        """Pause before a retry: a server is unavailable, or a lock was not granted, and nothing was changed."""
        metrics.BATCHES_FAILED.labels(self.consumer.name, type(error).__name__).inc()
        log.warning("batch failed", consumer=self.consumer.name, error=type(error).__name__)
        for one in self._group.open_partitions():
            one.trouble = type(error).__name__
        await asyncio.sleep(self._pauses.after_failure())

    async def _gather(self, began: float, count: int) -> None:
        """Wait after a small batch so that the next one can grow. Without records, only keep the minimum interval."""
        took = perf_counter() - began
        if count == 0:
            await asyncio.sleep(max(0.0, PACE - took))
        elif count < SMALL:
            await asyncio.sleep(max(PACE - took, min(REST * took, LONGEST_REST)))

    async def _wait(self) -> None:
        """Wait for records, the clock, or for Kafka to be read far enough to release waiting records."""
        ready = self._group.open_partitions()
        for one in ready:
            one.trouble = None  # being idle is not a problem
        looks = any(one.tick.ends is not None or (one.lane is not None and len(one.lane)) for one in ready)
        await woken_within(self._wake, POLL if looks else self._until_due(ready))

    def _until_due(self, partitions: Iterable[AssignedPartition]) -> float:
        found = (one.tick.next_due(self.consumer.handler.due(one.number)) for one in partitions)
        due = min((moment for moment in found if moment is not None), default=None)
        return IDLE if due is None else min(IDLE, max(0.0, (due - self._clock()).total_seconds()))

    async def _round(self) -> int | None:
        """Process all ready work, each kind once; return the number of records, None if nothing was ready."""
        if self._backlog() > PAUSE_AT:
            for one in self._group.open_partitions():
                one.trouble = "too many unpublished events"
            await asyncio.sleep(POLL)
            return SMALL
        count: int | None = None
        for one in self._group.open_partitions():
            while one.is_open and one.ready.wanted:
                # All of them before later records of their contacts, which would otherwise be held behind them.
                await self._process_ready(one)
                count = SMALL
        if await self._tick(self._group.open_partitions()):
            count = count or 0
        apart = [one for one in self._group.open_partitions() if one.apart]
        for some in ([one for one in self._group.open_partitions() if not one.apart], *([one] for one in apart)):
            taken = await self._take_and_apply(some)
            if taken is not None:
                count = (count or 0) + taken
        return count

    # Records

    async def _take_and_apply(self, partitions: Sequence[AssignedPartition]) -> int | None:
        """Apply the waiting records of `partitions` in one unit of work; return None if there were none."""
        lanes = {one.number: (one, one.lane) for one in partitions if one.lane is not None and len(one.lane)}
        most = min((one.most for one in partitions), default=BATCH)
        works: list[PartitionBatch] = []
        shares = deal({number: len(lane) for number, (_, lane) in lanes.items()}, most)
        async for number, share in yielding(sorted(shares.items())):
            one, lane = lanes[number]
            taken = lane.take(share)
            if not taken.moved:
                await one.release_heads()
                continue
            try:
                records = await read(self.consumer.name, taken.records)
                works.append(PartitionBatch(one, taken, one.held.sort(records)))
            except PartitionStopped as error:
                lane.put_back(taken, self.checkpoints.current)
                self._group.stop(one, error)
        if not works:
            return None
        await self._apply(works)
        return sum(len(work.taken.records) for work in works)

    async def _apply(self, works: Sequence[PartitionBatch]) -> None:
        started = perf_counter()
        unit = BatchUnit(self.consumer, self.checkpoints, works)
        try:
            async with self._database.unit_of_work(*unit.locks) as work:
                await unit.run(work)
        except Exception as error:
            # It is unknown whether the commit succeeded; the checkpoints that are read next show whether the lanes
            # still match.
            unit.put_back(works)
            if isinstance(error, HandlerFailed):
                self._split(works, error)
            elif not unit.begun and is_passing(error):
                raise  # memory has not changed either
            else:
                self._group.recover([work.partition for work in works], error)
            return
        self._committed(unit, perf_counter() - started)

    def _committed(self, unit: BatchUnit, seconds: float) -> None:
        unit.committed()
        for one in unit.applied:
            one.partition.got_on()
            one.partition.trouble = None
            if one.partition.apart:
                one.partition.held.poison = None
                one.partition.apart = one.partition.most < BATCH
                one.partition.most = min(BATCH, one.partition.most * 2)
        by_topic = Counter(topic for one in unit.applied for topic, _, _ in one.taken.records)
        for topic, count in by_topic.items():
            metrics.RECORDS_APPLIED.labels(self.consumer.name, topic).inc(count)
        metrics.BATCH_RECORDS.labels(self.consumer.name).observe(by_topic.total())
        metrics.BATCH_SECONDS.labels(self.consumer.name).observe(seconds)
        unit.put_back(unit.fenced)
        self._group.recover([one.partition for one in unit.fenced], Fenced("another process has moved the checkpoint"))
        for one, error in unit.failed:
            unit.put_back([one])
            if isinstance(error, Fenced):
                self._group.recover([one.partition], error)
            else:
                self._split([one], error)

    def _split(self, works: Sequence[PartitionBatch], failure: BaseException) -> None:
        """Split a failed unit by partition number, then into fewer records, down to the one that fails."""
        cause = failure.__cause__ if isinstance(failure, HandlerFailed) and failure.__cause__ else failure
        for work in works:
            one = work.partition
            if len(works) == 1 and one.apart:
                self._narrow(work, cause)
            one.apart = True
            one.report(cause)
        self._group.reopen([work.partition for work in works])
        for work in works:
            work.partition.got_on()  # the retry with fewer records needs no pause

    def _narrow(self, work: PartitionBatch, cause: BaseException) -> None:
        one, records = work.partition, work.taken.records
        if len(records) > 1:
            one.most = max(1, len(records) // 2)
            return
        topic, record, _ = records[0]
        one.held.poison = (PartitionId(topic, record.partition), record.offset, reason_of(cause))
        log.error(
            "record held: the code failed on it", consumer=self.consumer.name, topic=topic,
            partition=record.partition, offset=record.offset, error=type(cause).__name__, exc_info=cause,
        )  # fmt: skip

    # Released records

    async def _process_ready(self, one: AssignedPartition) -> None:
        """Apply released records in their original order."""
        batch: Sequence[Received] = ()
        try:
            async with self._group.unit_of([one]) as work:
                await self._group.hold_fast(work, [one])
                batch = await one.ready.take(work, one.most)
                if batch:
                    await handle(self.consumer, work, batch)
                    if work.failed:
                        raise failure_of(work.failed)  # noqa: TRY301 - the transaction ends by it
                    await flush(work)
                    await one.ready.forget(work)
            if batch:
                one.most = min(BATCH, one.most * 2)
                return
            async with self._group.unit_of([one]) as work:
                one.ready.wanted = await one.ready.release_later(work)
                await one.held.load(work.connection, one.number)
        except HandlerFailed as failure:
            await self._ready_failed(one, failure)
            self._group.recover([one], failure)
        except Exception as error:  # noqa: BLE001 - reported, and the partition number is opened again
            self._group.recover([one], error)

    async def _ready_failed(self, one: AssignedPartition, failure: HandlerFailed) -> None:
        if one.ready.taken > 1:
            one.most, one.apart = max(1, one.ready.taken // 2), True
            return
        async with self._group.unit_of([one]) as work:
            await self._group.hold_fast(work, [one])
            await one.ready.fail(work, reason_of(failure.__cause__))

    # The clock

    async def _tick(self, partitions: Sequence[AssignedPartition]) -> bool:
        """Call `tick` for the partitions that are due, once their topics were consumed to the ends at the due time."""
        moments = [(one, self.consumer.handler.due(one.number)) for one in partitions]
        # Read after asking: a handler that is due at once may use its own, later reading of the clock.
        now = self._clock()
        due = [one for one, moment in moments if one.tick.is_due(moment, now)]
        noted = [one for one in due if one.tick.ends is None]
        if noted:
            ends = await self._ends([part for one in noted for part in one.parts])
            for one in noted:
                one.tick.ends = {part: ends[part] for part in one.parts}
        ready = [one for one in due if await one.has_passed(one.tick.ends or {})]
        if ready:
            await self._run_ticks(ready, now)
        return bool(ready)

    def _ticks_of(self, partitions: Sequence[AssignedPartition]) -> list[list[int]]:
        """Deal partition numbers into ticks: those that may tick together, and each other one by itself."""
        may = self.consumer.handler.ticks_together
        together = [one.number for one in partitions if may and one.tick.trouble is None]
        alone = [[one.number] for one in partitions if one.number not in together]
        return [together, *alone] if together else alone

    async def _run_ticks(self, partitions: Sequence[AssignedPartition], now: datetime) -> None:
        fenced: list[AssignedPartition] = []
        begun = False
        try:
            async with self._group.unit_of(partitions) as work:
                kept, fenced = await self._group.hold_fast(work, partitions)
                begun = True
                for some in self._ticks_of(kept):
                    async with work.savepoint(*some):
                        await self.consumer.handler.tick_together(work, some, now)
        except Exception as error:
            if not begun and is_passing(error):
                raise
            self._group.recover(partitions, error)
            return
        self._group.recover(fenced, Fenced("another process has moved the checkpoint"))
        for one in kept:
            failure = work.failed.get(one.number)
            if failure is None:
                one.tick.succeeded()
                continue
            if not isinstance(failure, Fenced):
                one.tick.failed(failure, now)
                log.error(
                    "the tick of a partition failed", consumer=self.consumer.name, partition=one.number,
                    error=type(failure).__name__, exc_info=failure,
                )  # fmt: skip
            self._group.recover([one], failure)
