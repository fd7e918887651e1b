"""Tracked links redirect while Kafka is unavailable, and no click is lost, even if the process is killed meanwhile."""

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
def isolated_process(private_kafka: KafkaNode, postgres: TestPostgres, tmp_path: Path) -> Iterator[TrackingProcess]:
    """Provide a process with a private Kafka, which the test can kill."""
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
async def test_every_click_counts_once_after_kafka_and_the_process_are_killed(
    isolated_process: TrackingProcess, private_kafka: KafkaNode
) -> None:
    async with open_rig(isolated_process, 1) as rig:
        message = await rig.message(HTML)
        await rig.contacts(*range(1, 51))
        urls = [next(iter(links.values())) for links in (await rig.tokens(message, *range(1, 51))).values()]
        answers = [await rig.browser.get(url) for url in urls[:10]]
        private_kafka.kill()
        answers += await asyncio.gather(*(rig.browser.get(url) for url in urls[10:30]))
        assert isolated_process.metric("penchant_clicks_spooled_total") >= 20
        health = await rig.browser.get(f"{isolated_process.url}/health/ready")
        assert (health.status_code, health.json()["detail"]) == (503, "kafka: Kafka does not answer")
        isolated_process.kill()
        isolated_process.start(ready=False)
        await asyncio.to_thread(private_kafka.start)
        await asyncio.to_thread(isolated_process.wait_ready)
        answers += await asyncio.gather(*(rig.browser.get(url) for url in urls[30:]))
        assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {
            (302, "https://shop.example/dogs")
        }

    # The first rig's producer has lost its connection to Kafka, so a new rig reads the results.
    async with open_rig(isolated_process, 1) as rig:

        async def all_are_counted() -> bool:
            return bool((await rig.numbers(message))["clicks"]["human"] >= 50)

        await until(all_are_counted, 60)
        assert [event.contact_id for event in await rig.click_events(50)] == list(range(1, 51))
        assert isolated_process.metric("penchant_clicks_lost_total") == 0

        async def spool_is_empty() -> bool:
            return not list(isolated_process.home.glob("spool/*/*.clicks"))

        await until(spool_is_empty)
