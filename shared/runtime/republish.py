"""Publishes topics again from the event table, with the same ids and sequences."""

import sys
from collections import defaultdict
from collections.abc import Sequence

import asyncpg
from pydantic import SecretStr

from shared.bus.publisher import Publisher
from shared.bus.record import PartitionId
from shared.bus.topics import ensure_topics
from shared.events.topics import TOPICS, owned_by
from shared.runtime.service import ServiceDefinition
from shared.settings import CommonSettings
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

AT_ONCE = 5_000  # events


async def republish(service: ServiceDefinition, settings: CommonSettings, topics: Sequence[str]) -> int:
    """Publish all published events of `topics` again, in order; return the exit code.

    Events that an erasure has blanked are sent as tombstones. Consumers skip events that they have applied.
    """
    foreign = set(topics) - {owned.name for owned in owned_by(service.name)}
    if foreign:
        sys.stderr.write(f"{service.name} does not write {', '.join(sorted(foreign))}\n")
        return 2
    secret: SecretStr = getattr(settings, f"{service.name}_database")
    await ensure_topics(settings)
    connection = await asyncpg.connect(secret.get_secret_value())
    publisher = Publisher(service.name, settings)
    try:
        await publisher.start()
        for topic in topics:
            await _republish_topic(topic, connection, publisher)
    finally:
        await publisher.stop()
        await connection.close()
    return 0


async def _republish_topic(topic: str, connection: asyncpg.Connection, publisher: Publisher) -> None:
    total: int = await QUERIES["count_published"].fetchval(connection, topic=topic)
    sent = 0
    async with connection.transaction():
        batch: list[asyncpg.Record] = []
        async for row in connection.cursor(QUERIES["published_events"].text, topic, prefetch=AT_ONCE):
            batch.append(row)
            if len(batch) == AT_ONCE:
                sent += await _send(publisher, topic, batch)
                sys.stderr.write(f"\r{topic}: {sent} of {total}")
                batch = []
        sent += await _send(publisher, topic, batch)
    sys.stderr.write(f"\r{topic}: {sent} of {total} events published again\n")


async def _send(publisher: Publisher, topic: str, batch: list[asyncpg.Record]) -> int:
    if TOPICS[topic].compacted:
        await publisher.publish({}, batch)
    else:
        plain: dict[PartitionId, list[asyncpg.Record]] = defaultdict(list)
        for row in batch:
            plain[PartitionId(topic, row["partition"])].append(row)
        await publisher.publish(plain, [])
    return len(batch)
