"""While the event loop stalls, clicks go to disk and from there to Kafka: none is lost, and the spool is emptied."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.tracking.redirect import spool as spool_module
from services.tracking.redirect.clicks import TOPIC, Click
from services.tracking.redirect.drain import Drain
from services.tracking.redirect.spool import SpoolDirectory, SpoolWriter
from shared.bus.collector import Collector, Waiting
from shared.bus.producer import IntakeProducer
from shared.bus.topics import ensure_topics
from shared.settings import CommonSettings
from tests.conftest import TestKafka
from tests.stack.topics import read_topic
from tests.stack.waiting import until

ROUNDS = 20
PATIENCE = 0.25
MOST_BYTES = 1_000_000_000


class Redirects:
    """Clicks through a collector, a spool and its drain, as in the service."""

    def __init__(self, settings: CommonSettings, folder: Path) -> None:
        self.settings = settings
        self.spooled = 0
        self.lost: list[int] = []
        self.answered: set[bytes] = set()
        self.directory = SpoolDirectory.create(folder)
        self.writer = SpoolWriter(self.directory, MOST_BYTES, self.lost.append)
        self.collector: Collector[Click, bytes] = Collector(settings, TOPIC, self._to_spool, PATIENCE)
        self.producer = IntakeProducer(settings)
        self.drain = Drain(folder, self.directory, self.producer)

    def _to_spool(self, waiting: Sequence[Waiting[Click, bytes]]) -> None:
        self.spooled += len(waiting)
        for one in waiting:
            self.writer.add(one.item, one.safe)

    async def click(self, number: int) -> None:
        """Answer one request."""
        name = b"%032d" % number
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.collector.add(Click(name, b"2026-06-01T12:00:00Z", b"", b"{}"), future, name)
        self.answered.add(await future)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the background tasks of the service, and drain the spool continuously."""

        async def empty() -> None:
            while True:
                await self.drain.empty(self.directory)
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(self.collector.run()), asyncio.create_task(empty())]
        try:
            await until(lambda: self.collector.accepting)
            yield
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.producer.stop()


@pytest.fixture
def seed() -> int:
    """Provide a random seed, or the one in PENCHANT_TEST_SEED."""
    chosen = int(os.environ.get("PENCHANT_TEST_SEED", random.SystemRandom().randrange(10**9)))
    print(f"PENCHANT_TEST_SEED={chosen}")  # noqa: T201 - pytest shows it when the test fails
    return chosen


@pytest.mark.asyncio
async def test_stalls_lose_no_clicks_and_later_clicks_go_to_kafka(
    kafka: TestKafka, topic_prefix: str, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 500)  # many files, which are created and deleted
    settings = CommonSettings(kafka=kafka.bootstrap, topic_prefix=topic_prefix, partitions=2)
    await ensure_topics(settings)
    chance = random.Random(seed)
    redirects = Redirects(settings, tmp_path)
    count = 0
    async with redirects.running(), asyncio.TaskGroup() as group:
        for _ in range(ROUNDS):
            for _ in range(chance.randrange(1, 6)):
                for _ in range(chance.randrange(1, 40)):
                    group.create_task(redirects.click(count))
                    count += 1
                await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003, 0.008)))
            time.sleep(PATIENCE + chance.random() / 10)  # noqa: ASYNC251 - this is the stall
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(chance.random() / 50)
        await until(lambda: len(redirects.answered) == count)
        await until(lambda: redirects.collector.accepting, within=5)
        await until(lambda: redirects.directory.oldest() is None)
        spooled = redirects.spooled
        for _ in range(10):
            await redirects.click(count)
            count += 1
        assert redirects.spooled == spooled, "clicks must not go to disk while Kafka is available"
    assert redirects.lost == []
    arrived = {dict(record.headers)["ce_id"] for record in await read_topic(settings, TOPIC)}
    assert arrived == {b"%032d" % number for number in range(count)}
