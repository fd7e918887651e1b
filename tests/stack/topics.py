"""Records of topics, and the members of consumer groups."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.bus.connection import client_options
from shared.events.topics import TOPICS
from shared.settings import CommonSettings


async def read_topic(settings: CommonSettings, topic: str) -> list[Any]:
    """Return all committed records of a topic, partition by partition and in order."""
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


async def topics_there(settings: CommonSettings) -> list[str]:
    """Return the existing topics whose name begins with the prefix."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        return [name for name in await admin.list_topics() if name.startswith(settings.topic_prefix)]
    finally:
        await admin.close()


async def members_of_groups(settings: CommonSettings, service: str) -> dict[str, int]:
    """Return the current number of members of each consumer group of a service."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        prefix = f"{settings.topic_prefix}penchant.{service}."
        names = [name for name, *_ in await admin.list_consumer_groups() if name.startswith(prefix)]
        # One by one: aiokafka 0.14 reads version 3 of the answer as version 2, and misreads every group but the first.
        described = [(await admin.describe_consumer_groups([name]))[0].groups[0] for name in names]
        return {group[1]: len(group[5]) for group in described}
    finally:
        await admin.close()
