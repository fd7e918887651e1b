"""Records of many callers are sent together. While Kafka is slow or unavailable, callers are told soon."""

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


class Crowd:
    """Concurrent callers, and those of them for whom Kafka took too long."""

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
async def a_crowd(settings: CommonSettings, patience: float = 20.0) -> AsyncIterator[Crowd]:
    crowd = Crowd(settings, patience)
    task = asyncio.create_task(crowd.collector.run())
    await until(lambda: crowd.collector.accepting)
    try:
        yield crowd
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def numbered(count: int, mark: str = "") -> list[bytes]:
    return [f"{mark}{number}".encode() for number in range(count)]


@pytest.mark.asyncio
async def test_everybody_hears_of_the_acknowledgement_and_every_record_is_there_once(rig: Rig) -> None:
    async with a_crowd(rig.settings) as crowd:
        answers = await asyncio.gather(*(crowd.add(*numbered(100, f"{who}-")) for who in range(20)))
    assert [len(answer) for answer in answers] == [100] * 20
    records = await rig.read("intake.clicks")
    written = sorted(record.value for record in records)
    assert written == sorted(value for answer in answers for value in answer)
    assert {dict(record.headers)["ce_id"] == record.value for record in records} == {True}
    assert crowd.given_up == []


@pytest.mark.asyncio
async def test_batches_go_to_all_partitions_in_turn(rig: Rig) -> None:
    async with a_crowd(rig.settings) as crowd:
        for value in numbered(8):
            await crowd.add(value)
    assert sorted(record.partition for record in await rig.read("intake.clicks")) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.asyncio
async def test_before_it_runs_and_after_nobody_waits_for_kafka(kafka: TestKafka) -> None:
    crowd = Crowd(CommonSettings(kafka=kafka.bootstrap, topic_prefix="nobody."))
    assert await crowd.add(b"before") == [b"before"]
    assert crowd.given_up == [b"before"]


@pytest.mark.fault
@pytest.mark.asyncio
async def test_while_kafka_does_not_answer_nobody_waits_long_and_afterwards_it_is_asked_again(
    private_kafka: KafkaNode,
) -> None:
    settings = CommonSettings(kafka=private_kafka.bootstrap, topic_prefix=f"t{uuid4().hex[:12]}.", partitions=2)
    await ensure_topics(settings)
    async with a_crowd(settings, patience=1.0) as crowd:
        while await crowd.add(b"first") and crowd.given_up:
            crowd.given_up.clear()  # a new topic may be slow
        private_kafka.pause()
        try:
            async with asyncio.timeout(4):
                await crowd.add(*numbered(10))
            assert crowd.given_up == numbered(10)
            async with asyncio.timeout(0.5):
                await crowd.add(b"at once")
            assert crowd.given_up[-1] == b"at once"
        finally:
            private_kafka.resume()
        await until(lambda: crowd.collector.accepting)
    private_kafka.delete_topics(settings.topic_prefix)
