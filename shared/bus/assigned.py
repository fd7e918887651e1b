"""A partition number that the consumer group assigned to this process: its waiting records, and how it is opened."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from shared import metrics
from shared.bus.catalog import Catalog
from shared.bus.checkpoints import Checkpoint, Checkpoints
from shared.bus.errors import is_passing
from shared.bus.handler import Consumer, PartitionStopped
from shared.bus.held_contacts import MOST_FAILED, HeldContacts, count_failed
from shared.bus.lane import Lane, Queue
from shared.bus.reading import read, received_of
from shared.bus.ready_records import ReadyRecords
from shared.bus.record import PartitionId
from shared.bus.ticks import Tick
from shared.retrying import Pauses
from shared.store.database import Database
from shared.store.errors import Fenced, UnsafeToRun
from shared.waking import woken_within

log = structlog.get_logger()

BATCH = 5_000  # records
REOPEN_AFTER = 5.0  # seconds between checks whether the cause of a stop still exists
CATALOG_WITHIN = 0.25  # seconds; other partition numbers of the group wait meanwhile
POLL = 0.02  # seconds between checks of how far Kafka has been read


class RecordSource(Protocol):
    """The source of a partition's records."""

    async def beginnings(self, parts: Iterable[PartitionId]) -> Mapping[PartitionId, int]: ...
    async def ends(self, parts: Iterable[PartitionId]) -> Mapping[PartitionId, int]: ...
    async def read_to(self, part: PartitionId, end: int) -> bool: ...
    def seek(self, offsets: Mapping[PartitionId, int]) -> None: ...


class AssignedPartition:
    """One partition number of a consumer; for an intake topic several partitions that are processed together, and a
    number for them.

    `open` loads the checkpoints and the handler's memory, and replays the records between them; only then are its
    records processed. After a failure, `separate` excludes it from the batches of the other numbers of its group, and
    `batch_limit` (records) makes its own batches smaller, down to the one record that the code fails on.
    """

    def __init__(
        self,
        consumer: Consumer,
        number: int,
        parts: Sequence[PartitionId],
        checkpoints: Checkpoints,
        database: Database,
        source: RecordSource,
        catalog: Catalog | None = None,
    ) -> None:
        self.consumer = consumer
        self.number = number
        self.parts = parts
        self.lane: Lane | None = None
        self.trouble: str | None = "starting"  # why it makes no progress, for the health page
        self.is_open = False
        self.checkpoints = checkpoints
        self.ready = ReadyRecords(consumer, [part.partition for part in parts])
        self.held = HeldContacts(consumer)
        self.tick = Tick()
        self.batch_limit = BATCH
        self.separate = False
        self.opens_after = 0.0  # seconds
        self._pauses = Pauses()
        self._database = database
        self._source = source
        self._catalog = catalog
        self._wake = asyncio.Event()
        self._ends_at_wait: dict[PartitionId, int] = {}
        self._replaying: dict[PartitionId, Checkpoint] = {}

    def wake(self) -> None:
        """Wake the task that opens the partition number: records have been fetched."""
        self._wake.set()

    @property
    def current(self) -> dict[PartitionId, Checkpoint]:
        """The checkpoints of its parts."""
        return {part: self.checkpoints.current[part] for part in self.parts}

    # Opening

    async def open(self) -> None:
        """Open it; retry until that succeeds. Raises UnsafeToRun."""
        while True:
            await asyncio.sleep(self.opens_after)
            try:
                await self._open()
                while self._replaying:
                    await self._replay()
            except UnsafeToRun:
                raise
            except PartitionStopped as error:
                self.close()
                self.stopped(error)
                continue
            except Exception as error:
                self.report(error)
                if not is_passing(error) and not isinstance(error, Fenced):
                    log.exception("partition not opened", consumer=self.consumer.name, partition=self.number)
            else:
                self.is_open, self.trouble = True, None
                self.ready.may_have_records = True
                return
            self.close()

    def close(self) -> None:
        """Drop the handler's memory; `open` is retried next, with increasing delays."""
        self.is_open = False
        self.tick.forget()
        self._ends_at_wait = {}
        self._replaying = {}
        self.opens_after = self._pauses.after_failure()
        self.consumer.handler.dropped(self.number)

    def stopped(self, reason: PartitionStopped) -> None:
        """Note why it is closed; it opens again once the cause no longer exists."""
        self.trouble, self.opens_after = str(reason), REOPEN_AFTER

    def made_progress(self) -> None:
        """Note progress: it opens again without delay, and the delays after failures start anew."""
        self.opens_after = 0.0
        self._pauses.reset()

    def report(self, error: BaseException) -> None:
        """Count and log a failure, and show it on the health page."""
        self.trouble = type(error).__name__
        metrics.BATCHES_FAILED.labels(self.consumer.name, self.trouble).inc()
        # The text of an error may contain a value, such as an address, so only the kind is logged.
        log.warning("batch failed", consumer=self.consumer.name, partition=self.number, error=self.trouble)

    async def _open(self) -> None:
        beginnings = await self._source.beginnings(self.parts)
        locks = (self.number,) if self.consumer.aligned else ()
        async with self._database.unit_of_work(*locks) as work:
            await self.checkpoints.load(work.connection, beginnings)
            # Read the ends after the checkpoints, which the previous owner may have moved until just before.
            self._check_range(beginnings, await self._source.ends(self.parts))
            await self.held.load(work.connection, self.number)
            failed = await count_failed(work.connection, self.consumer, self.number)
            if failed > MOST_FAILED:
                raise PartitionStopped(f"more than {MOST_FAILED} records are held: see `penchant dead-letters list`")
            await self.consumer.handler.opened(work, self.number)
            origin = await self.consumer.handler.replay_from(work, self.number) or {}
        current = self.current
        self._replaying = {
            part: checkpoint
            for part, checkpoint in current.items()
            if part.topic in origin and origin[part.topic].next_offset < checkpoint.next_offset
        }
        start = {part: origin[part.topic] if part in self._replaying else current[part] for part in self.parts}
        if self.lane is None or not self.lane.is_at(start):
            self._restart(start)
        if not self._replaying:
            self.consumer.handler.caught_up(self.number)

    def _check_range(self, beginnings: Mapping[PartitionId, int], ends: Mapping[PartitionId, int]) -> None:
        for part, checkpoint in self.current.items():
            if not beginnings[part] <= checkpoint.next_offset <= ends[part]:
                raise UnsafeToRun(
                    f"{self.consumer.name} has read {part.topic} [{part.partition}] up to {checkpoint.next_offset}, "
                    f"but Kafka has offsets {beginnings[part]} to {ends[part]}: "
                    "records were lost, or this is a different Kafka"
                )

    async def _replay(self) -> None:
        """Bring memory from its snapshot to the checkpoint."""
        lane = self.lane
        assert lane is not None
        taken = lane.take(BATCH)
        below = [
            fetched
            for fetched in taken.records
            if (part := PartitionId(fetched[0], fetched[1].partition)) in self._replaying
            and fetched[1].offset < self._replaying[part].next_offset
        ]
        if below:
            records = await read(self.consumer.name, below)
            await self.consumer.handler.replay(self.number, received_of(records))
        for part, checkpoint in list(self._replaying.items()):
            if lane.queues[part].next_offset >= checkpoint.next_offset or await self._is_read_to(
                part, checkpoint.next_offset
            ):
                del self._replaying[part]
        if not self._replaying:
            self._restart(self.current)
            self.consumer.handler.caught_up(self.number)
        elif not taken.moved:
            await self._wait_for_records()

    def _restart(self, start: Mapping[PartitionId, Checkpoint]) -> None:
        """Continue reading at `start`; records that wait in the lane are fetched again."""
        self.lane = Lane(
            {
                part: Queue(checkpoint.next_offset, checkpoint.next_offset, checkpoint.sequence)
                for part, checkpoint in start.items()
            },
            self.consumer.aligned,
            self._catalog,
        )
        self._source.seek({part: checkpoint.next_offset for part, checkpoint in start.items()})

    async def _wait_for_records(self) -> None:
        self._wake.clear()
        await self.release_heads()
        await woken_within(self._wake, POLL)

    # Waiting for causes and for the clock

    async def release_heads(self) -> bool:
        """Release first records whose causes are not in Kafka; return whether any first record still waits.

        Call this when nothing could be taken.
        """
        assert self.lane is not None
        missing = self.lane.waits_for()
        if not missing:
            self._ends_at_wait = {}
            return False
        self.lane.release(await self._read_to_ends(missing))
        return True

    async def _read_to_ends(self, missing: set[PartitionId]) -> list[PartitionId]:
        """Return the parts that have been read to the end that they had when the wait began."""
        ours = missing & set(self.parts)
        if not ours <= self._ends_at_wait.keys():
            self._ends_at_wait = dict(await self._source.ends(self.parts))
        read_parts = [part for part in ours if await self._is_read_to(part, self._ends_at_wait[part])]
        if ours < missing and self._catalog is not None and await self._catalog.refresh(CATALOG_WITHIN):
            read_parts += missing - ours
        return read_parts

    async def _is_read_to(self, part: PartitionId, end: int) -> bool:
        assert self.lane is not None
        return self.lane.size(part) == 0 and await self._source.read_to(part, end)

    async def has_passed(self, ends: Mapping[PartitionId, int]) -> bool:
        """Return whether all records before `ends` have been taken and committed."""
        assert self.lane is not None
        for part, end in ends.items():
            queue = self.lane.queues[part]
            if queue.next_offset >= end or (queue.records and queue.records[0].offset >= end):
                continue
            if not await self._is_read_to(part, end):
                return False
        return True
