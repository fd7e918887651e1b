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
PAUSE_FACTOR, LONGEST_PAUSE = 3, 0.25  # a multiple of the duration of a small batch; seconds
CHECK_INTERVAL = 1.0  # seconds between checks for changes without a notification


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
        """Wake the processor to look for work."""
        self._wake.set()

    def add(self, partition: AssignedPartition) -> None:
        """Open a partition number, and process it from then on."""
        self._group.add(partition)

    async def remove(self, numbers: Iterable[int]) -> None:
        """Give up partition numbers, for their next owner, once the current unit of work has ended."""
        await self._group.remove(numbers)

    # Work

    async def run(self) -> None:
        """Run units of work until cancelled; retry those that fail temporarily."""
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
                    await self._pause_after(error)
                    continue
                if self._group.open_error is not None:
                    raise self._group.open_error
                if count is None:
                    await self._wait()
                else:
                    await self._pause_after_batch(began, count)
        finally:
            await self._group.close()

    async def _pause_after(self, error: Exception) -> None:
        """Pause before a retry: a server is unavailable, or a lock was not granted, and nothing was changed."""
        metrics.BATCHES_FAILED.labels(self.consumer.name, type(error).__name__).inc()
        log.warning("batch failed", consumer=self.consumer.name, error=type(error).__name__)
        for partition in self._group.open_partitions():
            partition.trouble = type(error).__name__
        await asyncio.sleep(self._pauses.after_failure())

    async def _pause_after_batch(self, began: float, count: int) -> None:
        """Wait after a small batch so that the next one can grow; without records, only for the rest of PACE."""
        elapsed = perf_counter() - began
        if count == 0:
            await asyncio.sleep(max(0.0, PACE - elapsed))
        elif count < SMALL:
            await asyncio.sleep(max(PACE - elapsed, min(PAUSE_FACTOR * elapsed, LONGEST_PAUSE)))

    async def _wait(self) -> None:
        """Wait for records, for the next tick, or until Kafka is read far enough to release waiting records."""
        ready = self._group.open_partitions()
        for partition in ready:
            partition.trouble = None  # being idle is not a problem
        must_poll = any(
            partition.tick.ends is not None or (partition.lane is not None and len(partition.lane))
            for partition in ready
        )
        await woken_within(self._wake, POLL if must_poll else self._seconds_until_due(ready))

    def _seconds_until_due(self, partitions: Iterable[AssignedPartition]) -> float:
        times = (partition.tick.next_due(self.consumer.handler.due(partition.number)) for partition in partitions)
        due = min((time for time in times if time is not None), default=None)
        return CHECK_INTERVAL if due is None else min(CHECK_INTERVAL, max(0.0, (due - self._clock()).total_seconds()))

    async def _round(self) -> int | None:
        """Process all ready work, each kind once; return the number of records, None if nothing was ready."""
        if self._backlog() > PAUSE_AT:
            for partition in self._group.open_partitions():
                partition.trouble = "too many unpublished events"
            await asyncio.sleep(POLL)
            return SMALL
        count: int | None = None
        for partition in self._group.open_partitions():
            while partition.is_open and partition.ready.may_have_records:
                # Process all of them before later records of their contacts, which would otherwise be held.
                await self._process_ready(partition)
                count = SMALL
        if await self._tick(self._group.open_partitions()):
            count = count or 0
        separate = [partition for partition in self._group.open_partitions() if partition.separate]
        for partitions in (
            [partition for partition in self._group.open_partitions() if not partition.separate],
            *([partition] for partition in separate),
        ):
            taken = await self._take_and_apply(partitions)
            if taken is not None:
                count = (count or 0) + taken
        return count

    # Records

    async def _take_and_apply(self, partitions: Sequence[AssignedPartition]) -> int | None:
        """Apply the waiting records of `partitions` in one unit of work; return None if there were none."""
        lanes = {
            partition.number: (partition, partition.lane)
            for partition in partitions
            if partition.lane is not None and len(partition.lane)
        }
        most = min((partition.batch_limit for partition in partitions), default=BATCH)
        batches: list[PartitionBatch] = []
        shares = deal({number: len(lane) for number, (_, lane) in lanes.items()}, most)
        async for number, share in yielding(sorted(shares.items())):
            partition, lane = lanes[number]
            taken = lane.take(share)
            if not taken.moved:
                await partition.release_heads()
                continue
            try:
                records = await read(self.consumer.name, taken.records)
                batches.append(PartitionBatch(partition, taken, partition.held.sort(records)))
            except PartitionStopped as error:
                lane.put_back(taken, self.checkpoints.current)
                self._group.stop(partition, error)
        if not batches:
            return None
        await self._apply(batches)
        return sum(len(batch.taken.records) for batch in batches)

    async def _apply(self, batches: Sequence[PartitionBatch]) -> None:
        started = perf_counter()
        unit = BatchUnit(self.consumer, self.checkpoints, batches)
        try:
            async with self._database.unit_of_work(*unit.locks) as work:
                await unit.run(work)
        except Exception as error:
            # It is unknown whether the commit succeeded; the checkpoints that are read next show whether the lanes
            # still match.
            unit.put_back(batches)
            if isinstance(error, HandlerFailed):
                self._split(batches, error)
            elif not unit.begun and is_passing(error):
                raise  # memory has not changed either
            else:
                self._group.recover([batch.partition for batch in batches], error)
            return
        self._committed(unit, perf_counter() - started)

    def _committed(self, unit: BatchUnit, seconds: float) -> None:
        unit.committed()
        for batch in unit.applied:
            batch.partition.made_progress()
            batch.partition.trouble = None
            if batch.partition.separate:
                batch.partition.held.poison = None
                batch.partition.separate = batch.partition.batch_limit < BATCH
                batch.partition.batch_limit = min(BATCH, batch.partition.batch_limit * 2)
        by_topic = Counter(topic for batch in unit.applied for topic, _, _ in batch.taken.records)
        for topic, count in by_topic.items():
            metrics.RECORDS_APPLIED.labels(self.consumer.name, topic).inc(count)
        metrics.BATCH_RECORDS.labels(self.consumer.name).observe(by_topic.total())
        metrics.BATCH_SECONDS.labels(self.consumer.name).observe(seconds)
        unit.put_back(unit.fenced)
        self._group.recover(
            [batch.partition for batch in unit.fenced], Fenced("another process has moved the checkpoint")
        )
        for batch, error in unit.failed:
            unit.put_back([batch])
            if isinstance(error, Fenced):
                self._group.recover([batch.partition], error)
            else:
                self._split([batch], error)

    def _split(self, batches: Sequence[PartitionBatch], failure: BaseException) -> None:
        """Split a failed unit by partition number, then into fewer records, down to the one that fails."""
        cause = failure.__cause__ if isinstance(failure, HandlerFailed) and failure.__cause__ else failure
        for batch in batches:
            partition = batch.partition
            if len(batches) == 1 and partition.separate:
                self._reduce(batch, cause)
            partition.separate = True
            partition.report(cause)
        self._group.reopen([batch.partition for batch in batches])
        for batch in batches:
            batch.partition.made_progress()  # the retry with fewer records needs no pause

    def _reduce(self, batch: PartitionBatch, cause: BaseException) -> None:
        """Halve the next batches of a partition number, or hold the one record that is left."""
        partition, records = batch.partition, batch.taken.records
        if len(records) > 1:
            partition.batch_limit = max(1, len(records) // 2)
            return
        topic, record, _ = records[0]
        partition.held.poison = (PartitionId(topic, record.partition), record.offset, reason_of(cause))
        log.error(
            "record held: processing it failed", consumer=self.consumer.name, topic=topic,
            partition=record.partition, offset=record.offset, error=type(cause).__name__, exc_info=cause,
        )  # fmt: skip

    # Released records

    async def _process_ready(self, partition: AssignedPartition) -> None:
        """Apply released records in their original order."""
        batch: Sequence[Received] = ()
        try:
            async with self._group.unit_of([partition]) as work:
                await self._group.lock_checkpoints(work, [partition])
                batch = await partition.ready.take(work, partition.batch_limit)
                if batch:
                    await handle(self.consumer, work, batch)
                    if work.failed:
                        raise failure_of(work.failed)  # noqa: TRY301 - it rolls the transaction back
                    await flush(work)
                    await partition.ready.forget(work)
            if batch:
                partition.batch_limit = min(BATCH, partition.batch_limit * 2)
                return
            async with self._group.unit_of([partition]) as work:
                partition.ready.may_have_records = await partition.ready.release_later(work)
                await partition.held.load(work.connection, partition.number)
        except HandlerFailed as failure:
            await self._handle_ready_failure(partition, failure)
            self._group.recover([partition], failure)
        except Exception as error:  # noqa: BLE001 - reported, and the partition number is opened again
            self._group.recover([partition], error)

    async def _handle_ready_failure(self, partition: AssignedPartition, failure: HandlerFailed) -> None:
        if partition.ready.taken > 1:
            partition.batch_limit, partition.separate = max(1, partition.ready.taken // 2), True
            return
        async with self._group.unit_of([partition]) as work:
            await self._group.lock_checkpoints(work, [partition])
            await partition.ready.fail(work, reason_of(failure.__cause__))

    # The clock

    async def _tick(self, partitions: Sequence[AssignedPartition]) -> bool:
        """Call `tick` for the partitions that are due, once their topics were consumed to the ends at the due time."""
        moments = [(partition, self.consumer.handler.due(partition.number)) for partition in partitions]
        # Read the clock after asking: a handler that is due at once may return its own, later reading of the clock.
        now = self._clock()
        due = [partition for partition, moment in moments if partition.tick.is_due(moment, now)]
        noted = [partition for partition in due if partition.tick.ends is None]
        if noted:
            ends = await self._ends([part for partition in noted for part in partition.parts])
            for partition in noted:
                partition.tick.ends = {part: ends[part] for part in partition.parts}
        ready = [partition for partition in due if await partition.has_passed(partition.tick.ends or {})]
        if ready:
            await self._run_ticks(ready, now)
        return bool(ready)

    def _ticks_of(self, partitions: Sequence[AssignedPartition]) -> list[list[int]]:
        """Divide partition numbers into ticks: one for those that may tick together, and one for each of the others."""
        may_together = self.consumer.handler.ticks_together
        together = [partition.number for partition in partitions if may_together and partition.tick.trouble is None]
        alone = [[partition.number] for partition in partitions if partition.number not in together]
        return [together, *alone] if together else alone

    async def _run_ticks(self, partitions: Sequence[AssignedPartition], now: datetime) -> None:
        fenced: list[AssignedPartition] = []
        begun = False
        try:
            async with self._group.unit_of(partitions) as work:
                kept, fenced = await self._group.lock_checkpoints(work, partitions)
                begun = True
                for numbers in self._ticks_of(kept):
                    async with work.savepoint(*numbers):
                        await self.consumer.handler.tick_together(work, numbers, now)
        except Exception as error:
            if not begun and is_passing(error):
                raise
            self._group.recover(partitions, error)
            return
        self._group.recover(fenced, Fenced("another process has moved the checkpoint"))
        for partition in kept:
            failure = work.failed.get(partition.number)
            if failure is None:
                partition.tick.succeeded()
                continue
            if not isinstance(failure, Fenced):
                partition.tick.failed(failure, now)
                log.error(
                    "the tick of a partition failed", consumer=self.consumer.name, partition=partition.number,
                    error=type(failure).__name__, exc_info=failure,
                )  # fmt: skip
            self._group.recover([partition], failure)
