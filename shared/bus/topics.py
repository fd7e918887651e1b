"""Create the topics, and check those that exist."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.bus.connection import client_options
from shared.events.topics import TOPICS, Topic
from shared.settings import CommonSettings
from shared.store.errors import UnsafeToRun

READY_WITHIN = 30.0  # seconds until every new partition has a leader


def partition_count(topic: Topic, settings: CommonSettings) -> int:
    """Return how many partitions a topic has. Catalogs and dead letters are small and need a total order: they have one
    partition."""
    return settings.partitions if topic.kind in ("contact", "intake") else 1


async def cluster_id(settings: CommonSettings) -> str:
    """Return the id of the Kafka cluster that answers. Raises KafkaError if none does."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        answer: dict[str, str] = await admin.describe_cluster()
        return answer["cluster_id"]
    finally:
        await admin.close()


async def ensure_topics(settings: CommonSettings) -> list[str]:
    """Create the missing topics, each with its own settings; return their names without the prefix.

    Raises:
        UnsafeToRun: a topic's number of partitions differs from the settings.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        created = await _create_missing(admin, settings)
        await _check_partitions(admin, settings)
    finally:
        await admin.close()
    return created


async def _create_missing(admin: AIOKafkaAdminClient, settings: CommonSettings) -> list[str]:
    present = set(await admin.list_topics())
    missing = [topic for topic in TOPICS.values() if settings.topic_prefix + topic.name not in present]
    if not missing:
        return []
    response = await admin.create_topics(
        [
            NewTopic(
                name=settings.topic_prefix + topic.name,
                num_partitions=partition_count(topic, settings),
                replication_factor=settings.topic_replication or -1,
                # aiokafka lets the broker choose the replication only if assignments are given, even empty ones.
                replica_assignments=None if settings.topic_replication else {},
                topic_configs=topic.settings(),
            )
            for topic in missing
        ]
    )
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        # Several services start concurrently, so another one may have created the topic.
        if code != 0 and error is not TopicAlreadyExistsError:
            raise error(f"topic {name}: {message}")
    return [topic.name for topic in missing]


async def _check_partitions(admin: AIOKafkaAdminClient, settings: CommonSettings) -> None:
    expected = {settings.topic_prefix + topic.name: partition_count(topic, settings) for topic in TOPICS.values()}
    deadline = asyncio.get_running_loop().time() + READY_WITHIN
    while True:
        present = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(list(expected))}
        mismatched = {
            name: len(present[name]) for name, count in expected.items() if len(present.get(name, [])) not in (0, count)
        }
        if mismatched:
            name, count = next(iter(mismatched.items()))
            raise UnsafeToRun(
                f"topic {name} has {count} partitions, but PENCHANT_PARTITIONS is {expected[name]}: the number is "
                "fixed once the topics exist; set PENCHANT_PARTITIONS to the number of partitions that they have"
            )
        if all(present.get(name) and all(part["leader"] >= 0 for part in present[name]) for name in expected):
            return
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("the topics have no leaders yet")
        await asyncio.sleep(0.1)
