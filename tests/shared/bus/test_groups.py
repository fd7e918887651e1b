"""One unit of work serves a whole group of partition numbers; a failure of one of them does not affect the others."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from shared.bus.handler import Handler
from shared.bus.host import ConsumerHost
from shared.bus.received import Received, by_partition
from shared.bus.record import PartitionId
from shared.store.unit_of_work import UnitOfWork
from tests.shared.bus.rig import COUNT, PARTITIONS, Counting, Rig, clicked
from tests.stack.waiting import until

# Account 1 has contacts 3, 7, … in partition number 0, and 1, 5, … in number 2; both belong to group 0.
IN_0, IN_2 = (3, 7, 11, 15), (1, 5, 9, 13)


class Gated(Counting):
    """Blocks in its first batch until the gate opens, so that the next batch has all records that arrived meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.entered = 0
        self.openings: list[int] = []

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        self.openings.append(partition)

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        self.entered += 1
        await self.gate.wait()
        await super().handle(work, batch)


def numbers_of(batch: Sequence[Received]) -> set[int]:
    return {number for number, _ in by_partition(batch)}


def _waiting(host: ConsumerHost) -> int:
    return sum(len(assigned.lane) for assigned in host.partitions.values() if assigned.lane is not None)


@pytest.mark.asyncio
async def test_one_transaction_applies_a_group_and_moves_its_checkpoints(rig: Rig) -> None:
    handler = Gated()
    async with rig.worker(handler) as host:
        await until(lambda: len(handler.openings) == PARTITIONS)
        await rig.publish([clicked(3), clicked(4)])  # one record for each group
        await until(lambda: handler.entered == 2)
        await rig.publish([clicked(contact) for contact in (*IN_0, *IN_2)])
        await until(lambda: _waiting(host) == 8)
        handler.gate.set()
        await until(lambda: rig.has_counted(10))
    assert any(numbers_of(batch) == {0, 2} for batch in handler.batches)
    assert all(len({number % 2 for number in numbers_of(batch)}) == 1 for batch in handler.batches)
    rows = await rig.database.pool.fetch("SELECT partition, sum(next_offset) AS read FROM checkpoints GROUP BY 1")
    assert {row["partition"]: row["read"] for row in rows} == {0: 5, 1: 1, 2: 4, 3: 0}
    events = await rig.database.pool.fetch("SELECT partition, after FROM events WHERE partition IN (0, 2)")
    assert all(row["after"] for row in events)


@pytest.mark.asyncio
async def test_only_the_poisoned_contact_of_a_group_is_held(rig: Rig) -> None:
    await rig.publish([clicked(contact) for contact in (*IN_0, *IN_2) for _ in range(20)])
    handler = Counting()
    handler.poisoned = {IN_2[1]}
    async with rig.worker(handler):
        await until(lambda: rig.has_counted(140))
    counts = await rig.counts()
    assert counts == dict.fromkeys({*IN_0, *IN_2} - handler.poisoned, 20)
    held = await rig.database.pool.fetch("SELECT DISTINCT contact_id FROM held")
    assert [row["contact_id"] for row in held] == [IN_2[1]]


class Slices(Handler):
    """Keeps the contacts of clicks in memory, per partition number; fails on one contact."""

    def __init__(self, poisoned: int) -> None:
        self.poisoned = poisoned
        self.memory: dict[int, list[int]] = {}
        self.openings: list[int] = []

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        self.openings.append(partition)
        rows = await work.connection.fetch("SELECT contact_id, clicks FROM counts")
        contacts = [row["contact_id"] for row in rows for _ in range(row["clicks"])]
        self.memory[partition] = [contact for contact in contacts if (contact + 1) % PARTITIONS == partition]

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        for partition, records in by_partition(batch):
            with work.isolate(partition):
                contacts = [received.event.contact_id for received in records]
                self.memory[partition] += contacts
                if self.poisoned in contacts:
                    raise ZeroDivisionError
                await work.connection.fetch(COUNT, [1] * len(contacts), contacts)

    def dropped(self, partition: int) -> None:
        self.memory.pop(partition, None)


@pytest.mark.asyncio
async def test_only_the_memory_of_the_failed_partition_number_is_dropped(rig: Rig) -> None:
    handler = Slices(IN_2[0])
    async with rig.worker(handler):
        await until(lambda: sorted(handler.openings) == [0, 1, 2, 3])
        await rig.publish([clicked(contact) for contact in (*IN_0, *IN_2)])
        await until(lambda: rig.has_counted(7))
        assert set(handler.openings[4:]) == {2}
        memory = await until(lambda: handler.memory if len(handler.memory) == PARTITIONS else None)
        assert sorted(memory[0]) == sorted(IN_0)
        assert sorted(memory[2]) == sorted(IN_2[1:])


@pytest.mark.asyncio
async def test_a_fenced_partition_number_is_excluded_before_the_handler_runs(rig: Rig) -> None:
    handler = Gated()
    handler.gate.set()
    async with rig.worker(handler) as host:
        await rig.publish([clicked(IN_0[0]), clicked(IN_2[0])])
        await until(lambda: rig.has_counted(2))
        # Another process has applied the next record of number 2.
        await rig.database.pool.execute(
            "UPDATE checkpoints SET next_offset = next_offset + 1, sequence = sequence + 1 WHERE partition = 2"
        )
        handler.batches.clear()
        await rig.publish([clicked(IN_2[0]), clicked(IN_0[1]), clicked(IN_2[1])])
        await until(lambda: rig.has_counted(4))
        assert host.partitions[2].current[PartitionId("tracking.clicks", 2)].next_offset == 3
    assert await rig.counts() == {IN_0[0]: 1, IN_0[1]: 1, IN_2[0]: 1, IN_2[1]: 1}
    assert not any(one.event.contact_id == IN_2[0] for batch in handler.batches for one in batch)


class Failing(Handler):
    """Is due at once for two partition numbers; the tick of number 2 fails."""

    def __init__(self) -> None:
        self.ticked: list[int] = []
        self.failures = 0

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        contacts = [received.event.contact_id for received in batch]
        await work.connection.fetch(COUNT, [1] * len(contacts), contacts)

    def due(self, partition: int) -> datetime | None:
        return datetime.min.replace(tzinfo=UTC) if partition in {0, 2} - set(self.ticked) else None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        if partition == 2:
            self.failures += 1
            await work.connection.execute("INSERT INTO counts VALUES (1, 99, 1)")
            raise ZeroDivisionError
        self.ticked.append(partition)


@pytest.mark.asyncio
async def test_a_failed_tick_is_rolled_back_and_blocks_neither_ticks_nor_records(rig: Rig) -> None:
    handler = Failing()
    async with rig.worker(handler) as host:
        await until(lambda: handler.ticked == [0] and handler.failures)
        await rig.publish([clicked(contact) for contact in (*IN_0, *IN_2)])
        await until(lambda: rig.has_counted(8))
        await until(lambda: any("its tick fails" in trouble for trouble in host.troubles()))
    assert 99 not in await rig.counts()


class FailingTogether(Failing):
    """Ticks for several partition numbers at once, as soon as the test sets `is_due`."""

    ticks_together = True

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[int]] = []
        self.is_due = False

    def due(self, partition: int) -> datetime | None:
        return super().due(partition) if self.is_due else None

    async def tick_together(self, work: UnitOfWork, partitions: Sequence[int], now: datetime) -> None:
        self.calls.append(list(partitions))
        for partition in partitions:
            await work.connection.execute("INSERT INTO counts VALUES (1, $1, 1)", partition)
        if 2 in partitions:
            raise ZeroDivisionError
        work.after_commit(lambda: self.ticked.extend(partitions))


@pytest.mark.asyncio
async def test_partition_numbers_tick_together_until_one_fails_and_then_alone(rig: Rig) -> None:
    handler = FailingTogether()
    async with rig.worker(handler) as host:
        await until(lambda: all(host.partitions[number].is_open for number in (0, 2)))
        handler.is_due = True
        handler.due_changed()
        await until(lambda: handler.ticked == [0] and handler.calls.count([2]) > 1)
    assert handler.calls[0] == [0, 2]
    assert handler.calls.count([0]) == 1
    assert await rig.counts() == {0: 1}, "the writes of the failed ticks are rolled back"


class Endless(Handler):
    """Is due after its first batch, and notes how many records had been applied before the tick."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.seen = 0
        self.applied_at_tick: list[int] = []

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        self.seen += len(batch)
        if self.at is None:
            self.at = datetime.now(UTC)

    def due(self, partition: int) -> datetime | None:
        return self.at if partition == 0 and not self.applied_at_tick else None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        self.applied_at_tick.append(self.seen)


@pytest.mark.asyncio
async def test_a_tick_runs_although_records_never_stop_arriving(rig: Rig) -> None:
    """It runs as soon as the records are applied that had arrived when it became due."""
    handler = Endless()
    stop = asyncio.Event()

    async def flood() -> None:
        while not stop.is_set():
            await rig.publish([clicked(IN_0[0]) for _ in range(50)])

    flooding = asyncio.create_task(flood())
    try:
        async with rig.worker(handler):
            await until(lambda: handler.applied_at_tick)
            # Records are applied before and after the tick.
            await until(lambda: handler.seen > handler.applied_at_tick[0])
    finally:
        stop.set()
        await flooding
    assert handler.applied_at_tick[0] > 0
