"""Duplicate records, and consumers that read from the beginning again, change no count."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from tests.faults.chain import Chain
from tests.faults.checks import fetch
from tests.stack.topics import read_topic

FROM_THE_BEGINNING = "UPDATE checkpoints SET next_offset = 0 WHERE topic = ANY($1::text[])"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
async def test_a_click_reported_twice_counts_once(chain: Chain) -> None:
    async with chain.load(twice=True) as load:
        await load.wait_for_more(600)
    await chain.check()


@pytest.mark.asyncio
async def test_records_published_again_with_old_sequences_change_nothing(chain: Chain) -> None:
    settings = chain.sandbox.settings
    async with chain.load() as load:
        await load.wait_for_more(300)
        # Publish all records again with the same sequences, as an outdated relay does.
        producer = AIOKafkaProducer(acks="all", **client_options(settings))
        await producer.start()
        try:
            for topic in ("tracking.clicks", "labeling.contacts"):
                for record in await read_topic(settings, topic):
                    await producer.send(
                        settings.topic_prefix + topic, record.value, record.key, record.partition,
                        headers=list(record.headers),
                    )  # fmt: skip
            await producer.flush()
        finally:
            await producer.stop()
        await load.wait_for_more(300)
    await chain.check()


@pytest.mark.asyncio
async def test_consumers_reset_to_the_first_offset_change_nothing(chain: Chain) -> None:
    async with chain.load() as load:
        await load.wait_for_more(300)
        for worker, service, topics in (
            (chain.labeling, "labeling", ["tracking.clicks"]),
            (chain.tracking, "tracking", ["intake.clicks", "labeling.contacts"]),
        ):
            assert await asyncio.to_thread(worker.terminate) == 0
            await fetch(chain.sandbox.database(service), FROM_THE_BEGINNING, topics)
            worker.start(ready=False)
        await load.wait_for_more(200)
    await chain.check()
