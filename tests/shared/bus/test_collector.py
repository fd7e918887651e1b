"""Records of concurrent callers are sent together. While Kafka is slow or unavailable, callers do not wait for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import uuid4

import pytest

from shared.bus.collector import Collector, Waiting
from shared.bus.topics import ensure_topics
from shared.events.codec import Header
from shared.settings import CommonSettings
from tests.conftest import TestKafka
from tests.shared.bus.rig import Rig
from tests.stack.nodes import KafkaNode
from tests.stack.waiting import until


class Item(NamedTuple):
    value: bytes

    def headers(self) -> Sequence[Header]:
        return [("ce_id", self.value)]


class Callers:
    """Concurrent callers of a collector, and the values that it has given up."""

    def __init__(self, settings: CommonSettings, patience: float = 20.0) -> None:
        self.given_up: list[bytes] = []
        self.collector: Collector[Item, bytes] = Collector(settings, "intake.clicks", self._give_up, patience)

    def _give_up(self, waiting: Sequence[Waiting[Item, bytes]]) -> None:
        self.given_up += [one.item.value for one in waiting]
        for one in waiting:
            one.safe()

    async def add(self, *values: bytes) -> list[bytes]:
        futures = []
        for value in values:
            future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self.collector.add(Item(value), future, value)
            futures.append(future)
        return await asyncio.gather(*futures)


@asynccontextmanager
async def running_collector(settings: CommonSettings, patience: float = 20.0) -> AsyncIterator[Callers]:
    callers = Callers(settings, patience)
    task = asyncio.create_task(callers.collector.run())
    await until(lambda: callers.collector.accepting)
    try:
        yield callers
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def numbered(count: int, mark: str = "") -> list[bytes]:
    return [f"{mark}{number}".encode() for number in range(count)]


@pytest.mark.asyncio
async def test_all_callers_are_answered_and_each_record_is_written_once(rig: Rig) -> None:
    async with running_collector(rig.settings) as callers:
        answers = await asyncio.gather(*(callers.add(*numbered(100, f"{caller}-")) for caller in range(20)))
    assert [len(answer) for answer in answers] == [100] * 20
    records = await rig.read("intake.clicks")
    written = sorted(record.value for record in records)
    assert written == sorted(value for answer in answers for value in answer)
    assert {dict(record.headers)["ce_id"] == record.value for record in records} == {True}
    assert callers.given_up == []


@pytest.mark.asyncio
async def test_batches_go_to_all_partitions_in_turn(rig: Rig) -> None:
    async with running_collector(rig.settings) as callers:
        for value in numbered(8):
            await callers.add(value)
    assert sorted(record.partition for record in await rig.read("intake.clicks")) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.asyncio
async def test_records_are_given_up_at_once_while_the_collector_does_not_run(kafka: TestKafka) -> None:
    callers = Callers(CommonSettings(kafka=kafka.bootstrap, topic_prefix="nobody."))
    assert await callers.add(b"before") == [b"before"]
    assert callers.given_up == [b"before"]


@pytest.mark.fault
@pytest.mark.asyncio
async def test_records_are_given_up_while_kafka_is_paused_and_accepted_after_it_resumes(
    private_kafka: KafkaNode,
) -> None:
    settings = CommonSettings(kafka=private_kafka.bootstrap, topic_prefix=f"t{uuid4().hex[:12]}.", partitions=2)
    await ensure_topics(settings)
    async with running_collector(settings, patience=1.0) as callers:
        while await callers.add(b"first") and callers.given_up:
            callers.given_up.clear()  # a new topic may be slow
        private_kafka.pause()
        try:
            async with asyncio.timeout(4):
                await callers.add(*numbered(10))
            assert callers.given_up == numbered(10)
            async with asyncio.timeout(0.5):
                await callers.add(b"at once")
            assert callers.given_up[-1] == b"at once"
        finally:
            private_kafka.resume()
        await until(lambda: callers.collector.accepting)
    private_kafka.delete_topics(settings.topic_prefix)
