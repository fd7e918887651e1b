"""The events that a running service has appended, and the events that other services publish."""

from itertools import count
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from shared.events.codec import body_of, headers_of
from shared.events.envelope import CatalogEvent
from tests.services.labeling.api.conftest import Running

SEQUENCES = count(1)  # sequences of the catalog events of other services


async def events_of(dsn: str, account_id: int, kind: str) -> list[dict[str, Any]]:
    """Return the bodies of an account's events of a type, in order."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT body FROM events WHERE account_id = $1 AND type LIKE $2 ORDER BY position",
            account_id,
            f"penchant.{kind}.%",
        )
        return [orjson.loads(row["body"]) for row in rows]
    finally:
        await connection.close()


async def publish(running: Running, event: CatalogEvent) -> None:
    """Write a catalog event of another service, as its relay does."""
    producer = AIOKafkaProducer(bootstrap_servers=running.bootstrap)
    await producer.start()
    sequence = next(SEQUENCES)
    headers = headers_of(event.type(), event.event_id, "/test", event.occurred_at, sequence, {}, None, None, None)
    try:
        await producer.send_and_wait(
            running.prefix + event.topic, body_of(event), key=event.key.encode(), headers=[*headers]
        )
    finally:
        await producer.stop()
