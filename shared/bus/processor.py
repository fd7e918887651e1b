"""Works through one partition number of a consumer: batch by batch, each a transaction with its checkpoints."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from time import perf_counter
from typing import Protocol

import structlog

from shared import metrics
from shared.bus.catalog import Catalog
from shared.bus.checkpoints import QUERIES, Checkpoint, Checkpoints
from shared.bus.handler import Consumer, HandlerFailed, PartitionStopped
from shared.bus.lane import Lane, Queue, Taken
from shared.bus.reading import Unread, contact_of, read
from shared.bus.ready_records import ReadyRecords
from shared.bus.received import Received
from shared.bus.record import Part
from shared.bus.traces import traced
from shared.store.database import Database
from shared.store.errors import Fenced, Refused, is_passing
from shared.store.unit_of_work import UnitOfWork

log = structlog.get_logger()

BATCH = 5_000  # records
MOST_FAILED = 1_000  # held records on which the code failed; more stop the partition
PAUSE_AT = 200_000  # unpublished events
# A batch of one record costs as much as one of ten. At 500 clicks/s, twelve partitions that never wait make 350
# transactions a second, two cores are full, and a label comes after 135 ms; with this pace after 95. On a machine that
# has no time left, batches take long, and a rest by their length makes them fewer and larger.
SMALL = 200  # records
PACE = 0.05  # seconds from the beginning of a small batch to that of the next one
REST, LONGEST_REST = 3, 0.25  # times what a small batch took; seconds
FIRST_RETRY, LAST_RETRY = 0.1, 5.0  # seconds
IDLE = 1.0  # seconds between looks at what nobody wakes us for
POLL = 0.02  # seconds between looks at how far Kafka has been read


class Source(Protocol):
    """Where the records come from."""

    async def beginnings(self, parts: Iterable[Part]) -> Mapping[Part, int]: ...
    async def ends(self, parts: Iterable[Part]) -> Mapping[Part, int]: ...
    async def read_to(self, part: Part, end: int) -> bool: ...
    def seek(self, offsets: Mapping[Part, int]) -> None: ...


class Processor:
    """One partition number of one consumer: `parts` of its topics, or of an intake topic some that go together.

    `run` goes on until it is cancelled, or raises Refused.
    """

    def __init__(
        self,
        consumer: Consumer,
        partition: int,
        parts: Sequence[Part],
        database: Database,
        source: Source,
        cluster_id: str,
        clock: Callable[[], datetime],
        backlog: Callable[[], int],
        catalog: Catalog | None = None,
    ) -> None:
        self.consumer = consumer
        self.partition = partition
        self.parts = parts
        self.lane: Lane | None = None
        self.trouble: str | None = "starting"  # why it does not get on, for the health page
        self.checkpoints = Checkpoints(consumer.name, consumer.version, cluster_id)
        self.ready = ReadyRecords(consumer, [part.partition for part in parts])
        self._database = database
        self._source = source
        self._clock = clock
        self._backlog = backlog
        self._catalog = catalog
        self._wake = asyncio.Event()
        self._failed: set[tuple[str, int, int]] = set()  # topic, account, contact: later records are held too
        self._most = BATCH
        self._poison: tuple[Part, int, str] | None = None  # offset, reason: the record that the code failed on
        self._due_ends: Mapping[Part, int] | None = None
        self._held_ends: dict[Part, int] = {}
        self._replaying: dict[Part, Checkpoint] = {}

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Opens the partition and works; what fails in passing is tried again from the checkpoint."""
        delay = FIRST_RETRY
        try:
            while True:
                try:
                    await self._open()
                    while True:
                        await self._step()
                        delay, self.trouble = FIRST_RETRY, None
                except Refused:
                    raise
                except (Fenced, HandlerFailed) as error:
                    self._report(error.__cause__ or error)
                    delay = FIRST_RETRY
                except PartitionStopped as error:
                    self.trouble = str(error)
                    delay = LAST_RETRY
                except Exception as error:
                    self._report(error)
                    if not is_passing(error):
                        log.exception("partition not opened", consumer=self.consumer.name, partition=self.partition)
                self._forget()
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
        finally:
            self._forget()

    def _report(self, error: BaseException) -> None:
        self.trouble = type(error).__name__
        metrics.BATCHES_FAILED.labels(self.consumer.name, self.trouble).inc()
        # The text of an error may hold a value, and that an address: the kind must do.
        log.warning("batch failed", consumer=self.consumer.name, partition=self.partition, error=self.trouble)

    def _forget(self) -> None:
        self._due_ends = None
        self._held_ends = {}
        self._replaying = {}
        self.consumer.handler.dropped(self.partition)

    def _unit(self) -> AbstractAsyncContextManager[UnitOfWork]:
        partitions = (self.partition,) if self.consumer.aligned else ()
        return self._database.unit_of_work(*partitions)

    async def _open(self) -> None:
        beginnings = await self._source.beginnings(self.parts)
        async with self._unit() as work:
            await self.checkpoints.load(work.connection, beginnings)
            # Only now: whoever had the partition before us may have moved on until a moment ago.
            self._check_range(beginnings, await self._source.ends(self.parts))
            await self._load_failed(work)
            await self.consumer.handler.opened(work, self.partition)
            origin = await self.consumer.handler.replay_from(work, self.partition) or {}
        current = self.checkpoints.current
        self._replaying = {
            part: checkpoint
            for part, checkpoint in current.items()
            if part.topic in origin and origin[part.topic].next_offset < checkpoint.next_offset
        }
        start = {part: origin[part.topic] if part in self._replaying else current[part] for part in self.parts}
        if self.lane is None or not self.lane.stands_at(start):
            self._restart(start)
        if not self._replaying:
            self.consumer.handler.caught_up(self.partition)
        self.ready.wanted = True

    def _check_range(self, beginnings: Mapping[Part, int], ends: Mapping[Part, int]) -> None:
        for part, checkpoint in self.checkpoints.current.items():
            if not beginnings[part] <= checkpoint.next_offset <= ends[part]:
                raise Refused(
                    f"{self.consumer.name} has read {part.topic} [{part.partition}] up to {checkpoint.next_offset}, "
                    f"but Kafka has {beginnings[part]} to {ends[part]}: records are lost, or this is another Kafka"
                )

    async def _load_failed(self, work: UnitOfWork) -> None:
        of_this = (self.consumer.name, self.partition, list(self.consumer.topics))
        rows = await work.connection.fetch(QUERIES["failed_contacts"], *of_this)
        self._failed = {(row["topic"], row["account_id"], row["contact_id"]) for row in rows}
        if self.consumer.aligned and await work.connection.fetchval(QUERIES["count_failed"], *of_this) > MOST_FAILED:
            raise PartitionStopped(f"more than {MOST_FAILED} records are held: see `penchant dead-letters list`")

    async def _step(self) -> None:
        lane = self.lane
        assert lane is not None
        if self._backlog() > PAUSE_AT:
            self.trouble = "too many unpublished events"
            await asyncio.sleep(POLL)
            return
        if self._replaying:
            await self._replay(lane)
            return
        if self.ready.wanted:
            await self._process_ready()
            return
        began = perf_counter()
        taken = lane.take(self._most)
        if taken.moved:
            await self._process(lane, taken)
            await self._gather(began, len(taken.records))
            return
        if await self._tick_if_due():
            return
        self.trouble = None  # nothing to do is no trouble
        await self._wait(lane)

    async def _gather(self, began: float, count: int) -> None:
        """After a small batch, waits until the next one may have become larger."""
        if count < SMALL:
            took = perf_counter() - began
            await asyncio.sleep(max(PACE - took, min(REST * took, LONGEST_REST)))

    async def _wait(self, lane: Lane) -> None:
        """Waits for records, the clock, or Kafka to have been read far enough for what is held."""
        missing = lane.waits_for()
        if missing:
            lane.release(await self._read_in_vain(lane, missing))
        else:
            self._held_ends = {}
        timeout = POLL if missing or self._due_ends is not None else self._until_due()
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return

    async def _read_in_vain(self, lane: Lane, missing: set[Part]) -> list[Part]:
        """Return those parts that have been read to the end that they had when waiting began."""
        ours = missing & set(self.parts)
        if not ours <= self._held_ends.keys():
            self._held_ends = dict(await self._source.ends(self.parts))
        read = [part for part in ours if await self._has_read(lane, part, self._held_ends[part])]
        if ours < missing and self._catalog is not None and await self._catalog.refresh():
            read += missing - ours
        return read

    def _until_due(self) -> float:
        due = self.consumer.handler.due(self.partition)
        return IDLE if due is None else min(IDLE, max(0.0, (due - self._clock()).total_seconds()))

    async def _process(self, lane: Lane, taken: Taken) -> None:
        started = perf_counter()
        received, unread = read(self.consumer.name, taken.records)
        try:
            async with self._unit() as work:
                await self.checkpoints.move(work.connection, taken.moved)
                self._set_aside(work, unread)
                batch = self._without_held(work, received)
                if batch:
                    await self._handle(work, batch)
        except Exception as error:
            # In doubt whether it was committed, the checkpoint that is read next tells whether this lane still fits.
            lane.put_back(taken, self.checkpoints.current)
            if isinstance(error, HandlerFailed):
                self._narrow(taken, error)
            raise
        self.checkpoints.committed(taken.moved)
        metrics.BATCH_RECORDS.labels(self.consumer.name).observe(len(taken.records))
        metrics.BATCH_SECONDS.labels(self.consumer.name).observe(perf_counter() - started)
        self._poison = None
        self._most = min(BATCH, self._most * 2)

    async def _handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        try:
            with traced(self.consumer.name, batch):
                await self.consumer.handler.handle(work, batch)
                await work.flush()
        except Exception as error:
            if is_passing(error) or isinstance(error, Fenced | Refused):
                raise
            raise HandlerFailed from error

    def _narrow(self, taken: Taken, failure: HandlerFailed) -> None:
        """After a failure smaller batches, down to the one record that the code fails on: that one is held."""
        if len(taken.records) > 1:
            self._most = max(1, len(taken.records) // 2)
            return
        topic, record, _ = taken.records[0]
        cause = failure.__cause__
        self._poison = (Part(topic, record.partition), record.offset, reason_of(cause))
        log.error(
            "record held: the code failed on it", consumer=self.consumer.name, topic=topic,
            partition=record.partition, offset=record.offset, error=type(cause).__name__, exc_info=cause,
        )  # fmt: skip

    def _set_aside(self, work: UnitOfWork, unread: Sequence[Unread]) -> None:
        for record in unread:
            if self.consumer.aligned:
                self._hold_failed(work, record, record.reason)
            else:
                work.reject(record, record.reason)

    def _without_held(self, work: UnitOfWork, received: Sequence[Received]) -> Sequence[Received]:
        if not self._failed and self._poison is None:
            return received
        batch: list[Received] = []
        for record in received:
            if self._poison is not None and self._poison[:2] == ((record.topic, record.partition), record.offset):
                self._hold_failed(work, record, self._poison[2])
            elif self.consumer.aligned and (record.topic, *contact_of(record)) in self._failed:
                self._hold_failed(work, record, "an earlier record of the contact is held")
            else:
                batch.append(record)
        return batch

    def _hold_failed(self, work: UnitOfWork, record: Received | Unread, reason: str) -> None:
        account_id, contact_id = contact_of(record) if self.consumer.aligned else (0, 0)
        work.fail(record, account_id, contact_id, reason)
        if self.consumer.aligned:
            self._failed.add((record.topic, account_id, contact_id))
            if len(self._failed) > MOST_FAILED:
                raise PartitionStopped(f"more than {MOST_FAILED} contacts have held records")

    async def _process_ready(self) -> None:
        """Records that somebody released: applied in the order in which they came."""
        try:
            async with self._unit() as work:
                await self.checkpoints.hold_fast(work.connection)
                batch = await self.ready.take(work, self._most)
                if batch:
                    await self._handle(work, batch)
        except HandlerFailed as failure:
            await self._ready_failed(failure)
            raise
        if batch:
            self._most = min(BATCH, self._most * 2)
        else:
            self.ready.wanted = False
            async with self._unit() as work:
                await self._load_failed(work)

    async def _ready_failed(self, failure: HandlerFailed) -> None:
        if self.ready.taken > 1:
            self._most = max(1, self.ready.taken // 2)
            return
        async with self._unit() as work:
            await self.checkpoints.hold_fast(work.connection)
            await self.ready.fail(work, reason_of(failure.__cause__))

    async def _tick_if_due(self) -> bool:
        """Calls `tick` once the topics have been consumed to the end that they had when it was due."""
        due = self.consumer.handler.due(self.partition)
        if due is None or due > self._clock():
            self._due_ends = None
            return False
        lane = self.lane
        assert lane is not None
        if self._due_ends is None:
            self._due_ends = await self._source.ends(self.parts)
        for part, end in self._due_ends.items():
            if not await self._has_read(lane, part, end):
                return False
        async with self._unit() as work:
            await self.checkpoints.hold_fast(work.connection)
            await self.consumer.handler.tick(work, self.partition, self._clock())
        self._due_ends = None
        return True

    async def _has_read(self, lane: Lane, part: Part, end: int) -> bool:
        return lane.size(part) == 0 and await self._source.read_to(part, end)

    async def _replay(self, lane: Lane) -> None:
        """Brings memory from its snapshot to the checkpoint."""
        taken = lane.take(BATCH)
        below = [
            fetched
            for fetched in taken.records
            if (part := Part(fetched[0], fetched[1].partition)) in self._replaying
            and fetched[1].offset < self._replaying[part].next_offset
        ]
        if below:
            received, _ = read(self.consumer.name, below)
            await self.consumer.handler.replay(self.partition, received)
        for part, at in list(self._replaying.items()):
            if lane.queues[part].next_offset >= at.next_offset or await self._has_read(lane, part, at.next_offset):
                del self._replaying[part]
        if not self._replaying:
            self._restart(self.checkpoints.current)
            self.consumer.handler.caught_up(self.partition)
        elif not taken.records:
            await self._wait(lane)

    def _restart(self, start: Mapping[Part, Checkpoint]) -> None:
        """Reads on from `start`; what waits in the lane is fetched again."""
        self.lane = Lane(
            {part: Queue(at.next_offset, at.next_offset, at.sequence) for part, at in start.items()},
            self.consumer.aligned,
            self._catalog,
        )
        self._source.seek({part: at.next_offset for part, at in start.items()})


def reason_of(error: BaseException | None) -> str:
    """What is kept of an error: its first line (PostgreSQL quotes the row in the next one), 500 characters at most."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:500]
