"""Ticks, the replay of memory that is behind the checkpoint, and fences."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.checkpoints import Checkpoint
from shared.bus.handler import Handler
from shared.bus.received import Received, by_partition
from shared.bus.record import PartitionId
from shared.store.unit_of_work import UnitOfWork
from tests.shared.bus.rig import COUNT, Counting, Rig, clicked
from tests.stack.waiting import until


class Timer(Handler):
    """Is due once, and notes how many records had been applied before the tick."""

    def __init__(self, at: datetime) -> None:
        self.at: datetime | None = at
        self.seen = 0
        self.applied_at_tick: list[int] = []

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        await asyncio.sleep(0.05)
        self.seen += len(batch)

    def due(self, partition: int) -> datetime | None:
        return self.at if partition == 1 else None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        assert self.at is not None
        assert now >= self.at
        self.applied_at_tick.append(self.seen)
        self.at = None


@pytest.mark.asyncio
async def test_a_tick_runs_after_the_records_that_arrived_before_it_was_due(rig: Rig) -> None:
    """The due time passes during an outage: records that arrived meanwhile are applied first."""
    await rig.publish([clicked(4 * number) for number in range(1, 301)])  # all of partition 1
    handler = Timer(datetime.now(UTC) - timedelta(hours=1))
    async with rig.worker(handler):
        await until(lambda: handler.applied_at_tick)
    assert handler.applied_at_tick == [300]


@pytest.mark.asyncio
async def test_a_tick_runs_on_time_without_records(rig: Rig) -> None:
    at = datetime.now(UTC) + timedelta(seconds=1)
    handler = Timer(at)
    async with rig.worker(handler):
        await until(lambda: handler.applied_at_tick)
    assert datetime.now(UTC) - at < timedelta(seconds=3)


class AlwaysDue(Timer):
    """Returns the current time as its due time until it has ticked for the partition number."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))
        self.ticked: set[int] = set()

    def due(self, partition: int) -> datetime | None:
        if partition in self.ticked:
            return None
        called_at = datetime.now(UTC)
        while (now := datetime.now(UTC)) == called_at:
            pass
        return now

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        self.ticked.add(partition)


@pytest.mark.asyncio
async def test_a_tick_runs_although_its_due_time_is_always_the_current_time(rig: Rig) -> None:
    """As on a slow machine, `due` returns a later time than the runtime has read before the call."""
    handler = AlwaysDue()
    async with rig.worker(handler):
        await until(lambda: len(handler.ticked) == rig.settings.partitions)


class Remembering(Handler):
    """Keeps the contacts of clicks in memory; starts from snapshots that are behind the checkpoint."""

    def __init__(self, snapshots: Mapping[int, tuple[Mapping[str, Checkpoint], list[int]]]) -> None:
        self.snapshots = snapshots
        self.memory: dict[int, list[int]] = {}
        self.replayed = 0
        self.replayed_partitions: set[int] = set()

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        self.memory[partition] = list(self.snapshots.get(partition, ({}, []))[1])

    async def replay_from(self, work: UnitOfWork, partition: int) -> Mapping[str, Checkpoint]:
        return self.snapshots.get(partition, ({"tracking.clicks": Checkpoint(0, 0)}, []))[0]

    async def replay(self, partition: int, batch: Sequence[Received]) -> None:
        self.replayed += len(batch)
        self.memory[partition] += [received.event.contact_id for received in batch]

    def caught_up(self, partition: int) -> None:
        self.replayed_partitions.add(partition)

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        contacts = [received.event.contact_id for received in batch]
        await work.connection.fetch(COUNT, [1] * len(contacts), contacts)
        for partition, records in by_partition(batch):
            self.memory[partition] += [received.event.contact_id for received in records]

    def dropped(self, partition: int) -> None:
        self.memory.pop(partition, None)


@pytest.mark.asyncio
async def test_memory_is_replayed_to_the_checkpoint_and_new_records_are_then_handled(rig: Rig) -> None:
    contacts = [1 + number % 40 for number in range(400)]
    await rig.publish([clicked(contact) for contact in contacts])
    async with rig.worker(Counting()):
        await until(lambda: rig.has_counted(400))
    handler = Remembering({})
    async with rig.worker(handler):
        await until(lambda: handler.replayed_partitions == {0, 1, 2, 3})
        assert handler.replayed == 400
        assert await rig.has_counted(400)  # the replay had no effect
        await rig.publish([clicked(contact) for contact in (1, 2, 3)])
        await until(lambda: rig.has_counted(403))
        assert sorted(contact for found in handler.memory.values() for contact in found) == sorted([*contacts, 1, 2, 3])
        assert handler.replayed == 400


@pytest.mark.asyncio
async def test_replay_starts_at_the_offset_of_the_snapshot(rig: Rig) -> None:
    await rig.publish([clicked(4) for _ in range(10)])
    async with rig.worker(Counting()):
        await until(lambda: rig.has_counted(10))
    taken = {"tracking.clicks": Checkpoint(6, 6)}
    handler = Remembering({1: (taken, [4] * 6)} | {number: ({}, []) for number in (0, 2, 3)})
    async with rig.worker(handler):
        await until(lambda: handler.replayed_partitions == {0, 1, 2, 3})
        assert handler.replayed == 4
        assert handler.memory[1] == [4] * 10


@pytest.mark.asyncio
async def test_records_that_another_process_has_applied_are_not_applied_again(rig: Rig) -> None:
    """Another process has moved the checkpoint, and this process does not know that it lost the partition."""
    await rig.publish([clicked(4) for _ in range(5)])
    handler = Counting()
    async with rig.worker(handler) as host:
        await until(lambda: rig.has_counted(5))
        await rig.database.pool.execute(
            "UPDATE checkpoints SET next_offset = next_offset + 3, sequence = sequence + 3 WHERE partition = 1"
        )
        await rig.publish([clicked(4) for _ in range(5)])  # another process has applied the first three of these
        await until(lambda: rig.has_counted(7))
        assert host.partitions[1].current[PartitionId("tracking.clicks", 1)].next_offset == 10
    assert await rig.has_counted(7)
