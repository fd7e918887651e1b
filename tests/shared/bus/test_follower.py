"""A follower reads topics from the beginning or from the end, without a consumer group."""

import pytest

from shared.bus.follower import Follower
from shared.bus.producer import IntakeProducer
from shared.bus.topics import ensure_topics
from shared.settings import CommonSettings
from tests.conftest import TestKafka


@pytest.mark.asyncio
async def test_reads_topics_from_the_beginning_or_from_the_end(kafka: TestKafka, topic_prefix: str) -> None:
    settings = CommonSettings(kafka=kafka.bootstrap, topic_prefix=topic_prefix, partitions=2)
    await ensure_topics(settings)
    producer = IntakeProducer(settings)
    for topic in ("intake.clicks", "labeling.catalog"):
        await producer.send(topic, [(b"k", b"old", [])], within=30)

    async with Follower(settings, from_end=["intake.clicks"], from_beginning=["labeling.catalog"]) as follower:
        assert [(topic, record.value) for topic, record in await follower.read_to_end()] == [
            ("labeling.catalog", b"old")
        ]
        await producer.send("intake.clicks", [(b"k", b"new", [("h", None)])], within=30)
        found = await follower.next(within=10)

    assert [(topic, record.value, list(record.headers)) for topic, record in found] == [
        ("intake.clicks", b"new", [("h", None)])
    ]
    await producer.stop()


@pytest.mark.asyncio
async def test_reading_an_empty_topic_to_its_end_returns_no_records(kafka: TestKafka, topic_prefix: str) -> None:
    settings = CommonSettings(kafka=kafka.bootstrap, topic_prefix=topic_prefix, partitions=2)
    await ensure_topics(settings)

    async with Follower(settings, from_beginning=["intake.clicks.dead"]) as follower:
        assert await follower.read_to_end() == []


@pytest.mark.asyncio
async def test_a_missing_topic_is_named_in_the_error(kafka: TestKafka, topic_prefix: str) -> None:
    with pytest.raises(LookupError, match=rf"has no topic {topic_prefix}tracking\.clicks"):
        async with Follower(
            CommonSettings(kafka=kafka.bootstrap, topic_prefix=topic_prefix), from_end=["tracking.clicks"]
        ):
            pass


@pytest.mark.asyncio
async def test_an_unreachable_kafka_is_named_in_the_error() -> None:
    with pytest.raises(ConnectionError, match=r"Kafka at 127\.0\.0\.1:9 does not answer"):
        async with Follower(CommonSettings(kafka="127.0.0.1:9"), from_end=["tracking.clicks"]):
            pass
