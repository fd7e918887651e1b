"""Tracked links redirect while Kafka is unavailable, and no click is lost, even if the process dies meanwhile."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import TestPostgres
from tests.services.tracking.process import TrackingProcess
from tests.services.tracking.rig import open_rig
from tests.stack.nodes import KafkaNode
from tests.stack.waiting import until

HTML = '<a href="https://shop.example/dogs">Dogs</a>'


@pytest.fixture
def own(private_kafka: KafkaNode, postgres: TestPostgres, tmp_path: Path) -> Iterator[TrackingProcess]:
    """Provide a process whose Kafka can be stopped."""
    name = f"t{uuid4().hex[:12]}"
    process = TrackingProcess(private_kafka.bootstrap, postgres.create_database(name), f"{name}.", tmp_path)
    try:
        yield process.start()
    finally:
        process.end()
        private_kafka.start()
        private_kafka.delete_topics(f"{name}.")
        postgres.drop_database(name)


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_every_click_counts_once_though_kafka_was_killed_and_the_process_too(
    own: TrackingProcess, private_kafka: KafkaNode
) -> None:
    async with open_rig(own, 1) as rig:
        message = await rig.message(HTML)
        await rig.contacts(*range(1, 51))
        urls = [next(iter(links.values())) for links in (await rig.tokens(message, *range(1, 51))).values()]
        answers = [await rig.browser.get(url) for url in urls[:10]]
        private_kafka.kill()
        answers += await asyncio.gather(*(rig.browser.get(url) for url in urls[10:30]))
        assert own.metric("penchant_clicks_spooled_total") >= 20
        health = await rig.browser.get(f"{own.url}/health/ready")
        assert (health.status_code, health.json()["detail"]) == (503, "kafka: Kafka does not answer")
        own.kill()
        own.start(ready=False)
        await asyncio.to_thread(private_kafka.start)
        await asyncio.to_thread(own.wait_ready)
        answers += await asyncio.gather(*(rig.browser.get(url) for url in urls[30:]))
        assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {
            (302, "https://shop.example/dogs")
        }

    # The producer of the first rig has lost its Kafka; a new rig reads the results.
    async with open_rig(own, 1) as rig:

        async def all_counted() -> bool:
            return bool((await rig.numbers(message))["clicks"]["human"] >= 50)

        await until(all_counted, 60)
        assert [event.contact_id for event in await rig.clicked(50)] == list(range(1, 51))
        assert own.metric("penchant_clicks_lost_total") == 0

        async def spool_is_empty() -> bool:
            return not list(own.home.glob("spool/*/*.clicks"))

        await until(spool_is_empty)
