"""Everything delivered twice, and consumers made to read from the beginning again."""

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
async def test_every_reported_click_sent_twice_counts_once(chain: Chain) -> None:
    async with chain.load(twice=True) as load:
        await load.reached(600)
    await chain.check()


@pytest.mark.asyncio
async def test_our_own_records_delivered_twice_and_out_of_date_change_nothing(chain: Chain) -> None:
    settings = chain.sandbox.settings
    async with chain.load() as load:
        await load.reached(300)
        # Like an outdated relay: everything is published on the topics again, with the same sequences.
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
        await load.reached(300)
    await chain.check()


@pytest.mark.asyncio
async def test_consumers_that_read_from_the_beginning_again_change_nothing(chain: Chain) -> None:
    async with chain.load() as load:
        await load.reached(300)
        for worker, service, topics in (
            (chain.labeling, "labeling", ["tracking.clicks"]),
            (chain.tracking, "tracking", ["intake.clicks", "labeling.contacts"]),
        ):
            assert await asyncio.to_thread(worker.terminate) == 0
            await fetch(chain.sandbox.database(service), FROM_THE_BEGINNING, topics)
            worker.start(ready=False)
        await load.reached(200)
    await chain.check()
