"""A batch, its effect, its events and its checkpoint are one transaction."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import count

import pytest
from aiokafka import TopicPartition
from asyncpg import Record

from shared.bus.assigned import BATCH
from shared.bus.connection import client_options
from shared.bus.host import MOST_WAITING, ConsumerHost
from shared.bus.received import Received
from shared.bus.tracked_consumer import MOST_RECORDS, TrackedConsumer
from shared.events.topics import partition_of
from shared.metrics import REGISTRY
from shared.store.unit_of_work import UnitOfWork
from tests.shared.bus.rig import PARTITIONS, Counting, Rig, clicked
from tests.stack.waiting import until

APPLIED_LABELS = {"consumer": "counting", "topic": "tracking.clicks"}


@pytest.mark.asyncio
async def test_counts_each_click_once_and_publishes_the_assignments(rig: Rig) -> None:
    clicks = [clicked(contact) for contact in range(1, 101) for _ in range(3)]
    applied = _applied()
    await rig.publish(clicks)
    async with rig.relay(), rig.worker(Counting()):
        await until(lambda: _counted(rig, 300))
        await until(lambda: _applied() == applied + 300)
        records = await until(lambda: _labels(rig, 100))
    assert await rig.counts() == dict.fromkeys(range(1, 101), 3)
    assert len({record.key for record in records}) == 100
    for record in records:
        headers = dict(record.headers)
        assert headers["ce_type"] == b"penchant.LabelAssigned.v1"
        assert headers["ce_after"].startswith(b"tracking.clicks=")


@pytest.mark.asyncio
async def test_skips_records_that_a_relay_sent_twice(rig: Rig) -> None:
    clicks = [clicked(1) for _ in range(10)]
    await rig.publish(clicks)
    for sequence, click in enumerate(clicks, 1):
        await rig.publish([click], sequence=sequence)
    await rig.publish([clicked(2)], sequence=11)
    async with rig.worker(Counting()):
        await until(lambda: _counted(rig, 11))
    assert await rig.counts() == {1: 10, 2: 1}


@pytest.mark.asyncio
async def test_skips_more_repeated_records_than_fit_into_a_batch(rig: Rig) -> None:
    await rig.publish([clicked(1)])
    await rig.publish([clicked(1)] * (2 * BATCH), sequence=1)
    await rig.publish([clicked(1)], sequence=2)
    async with rig.worker(Counting()):
        await until(lambda: _counted(rig, 2))
    assert await rig.counts() == {1: 2}


@pytest.mark.asyncio
async def test_fetching_yields_to_other_tasks_while_many_records_are_buffered(rig: Rig) -> None:
    await rig.publish([clicked(1)] * (4 * MOST_RECORDS))
    turns, done = 0, asyncio.Event()

    async def count_turns() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    partition = TopicPartition(rig.settings.topic_prefix + "tracking.clicks", _number(1))
    kafka = TrackedConsumer(fetchable=lambda: [partition], auto_offset_reset="earliest", **client_options(rig.settings))
    kafka.assign([partition])
    await kafka.start()
    other = asyncio.create_task(count_turns())
    fetched, turns_at_fetch = 0, []
    while fetched < 4 * MOST_RECORDS:
        found = await kafka.getmany(timeout_ms=1_000)
        fetched += sum(map(len, found.values()))
        turns_at_fetch.append(turns)
    done.set()
    await other
    await kafka.stop()
    assert len(set(turns_at_fetch)) == len(turns_at_fetch) >= 4


@pytest.mark.asyncio
async def test_holds_only_the_records_of_the_contact_on_which_the_handler_fails(rig: Rig) -> None:
    await rig.publish([clicked(contact) for contact in range(1, 41) for _ in range(2)])
    handler = Counting()
    handler.poisoned = {7}
    async with rig.worker(handler):
        await until(lambda: _counted(rig, 78))
        await rig.publish([clicked(7), clicked(8)])
        await until(lambda: _counted(rig, 79))
        held = await until(lambda: _held(rig, 3))
        assert [(row["contact_id"], row["state"]) for row in held] == [(7, "failed")] * 3
        assert held[0]["reason"] == "ZeroDivisionError: poisoned"
        handler.poisoned = set()
        await rig.database.pool.execute("UPDATE held SET state = 'ready'")
        await until(lambda: _counted(rig, 82))
    assert (await rig.counts())[7] == 3
    assert await rig.database.pool.fetchval("SELECT count(*) FROM held") == 0


@pytest.mark.asyncio
async def test_continues_at_its_checkpoint_after_a_restart(rig: Rig) -> None:
    expected: Counter[int] = Counter()
    for start in range(3):
        contacts = [1 + (start * 7 + contact) % 20 for contact in range(50)]
        expected.update(contacts)
        await rig.publish([clicked(contact) for contact in contacts])
        async with rig.worker(Counting()):
            await until(lambda: _counted(rig, expected.total()))
    assert await rig.counts() == expected


@pytest.mark.asyncio
async def test_two_workers_share_the_partitions(rig: Rig) -> None:
    async with rig.worker(Counting(), "one") as first, rig.worker(Counting(), "two") as second:
        await until(lambda: len(first.partitions) == 2 and len(second.partitions) == 2)
        await rig.publish([clicked(contact) for contact in range(1, 201)])
        await until(lambda: _counted(rig, 200))
        assert {*first.partitions} | {*second.partitions} == {0, 1, 2, 3}
    assert set((await rig.counts()).values()) == {1}


@pytest.mark.asyncio
async def test_a_blocked_partition_buffers_few_records_and_does_not_delay_others(rig: Rig) -> None:
    slow, quick = 1, next(contact for contact in count(2) if _number(contact) != _number(1))
    clicks = 3 * MOST_WAITING
    await rig.publish([clicked(slow)] * clicks)
    handler = Blocking(slow)
    async with rig.worker(handler) as host:
        await until(lambda: _waiting(host, slow) >= MOST_WAITING)
        await rig.publish([clicked(quick)])
        await until(lambda: _counted(rig, 1))
        assert _waiting(host, slow) < MOST_WAITING + MOST_RECORDS
        handler.gate.set()
        await until(lambda: _counted(rig, clicks + 1))
    assert await rig.counts() == {slow: clicks, quick: 1}


class Blocking(Counting):
    """Blocks on the clicks of one contact until the gate opens."""

    def __init__(self, contact_id: int) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self._contact_id = contact_id

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        if any(received.event.contact_id == self._contact_id for received in batch):
            await self.gate.wait()
        await super().handle(work, batch)


def _number(contact_id: int) -> int:
    return partition_of(1, contact_id, PARTITIONS)


def _waiting(host: ConsumerHost, contact_id: int) -> int:
    processor = host.partitions.get(_number(contact_id))
    return 0 if processor is None or processor.lane is None else len(processor.lane)


def _applied() -> float:
    return REGISTRY.get_sample_value("penchant_records_applied_total", APPLIED_LABELS) or 0.0


async def _counted(rig: Rig, total: int) -> bool:
    found = sum((await rig.counts()).values())
    assert found <= total
    return found == total


async def _held(rig: Rig, expected: int) -> list[Record]:
    rows = await rig.database.pool.fetch("SELECT contact_id, state, reason FROM held ORDER BY id")
    return rows if len(rows) == expected else []


async def _labels(rig: Rig, expected: int) -> list[object]:
    records = await rig.read("labeling.labels")
    return records if len(records) >= expected else []
