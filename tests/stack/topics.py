"""What stands on a topic."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.connection import client_options
from shared.events.topics import TOPICS
from shared.settings import CommonSettings


async def read_topic(settings: CommonSettings, topic: str) -> list[Any]:
    """All records of a topic as committed now, partition by partition and in order."""
    kafka = AIOKafkaConsumer(auto_offset_reset="earliest", isolation_level="read_committed", **client_options(settings))
    await kafka.start()
    try:
        count = settings.partitions if TOPICS[topic].kind in ("contact", "intake") else 1
        partitions = [TopicPartition(settings.topic_prefix + topic, number) for number in range(count)]
        kafka.assign(partitions)
        ends = await kafka.end_offsets(partitions)
        records: list[Any] = []
        while any([await kafka.position(partition) < end for partition, end in ends.items()]):
            for fetched in (await kafka.getmany(timeout_ms=100)).values():
                records += fetched
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        await kafka.stop()
