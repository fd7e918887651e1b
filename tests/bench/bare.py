"""The bare script that is the baseline of the runtime: the same work, sequentially and without guarantees.

It reads `tracking.clicks` with aiokafka, counts clicks and assigns labels with asyncpg, writes the events in the same
transaction, and with `--publish` publishes them afterwards. It has no locks, fences, sequences or held records, and
does not order the records of different topics.

    python -m tests.bench.bare KAFKA DSN PREFIX PARTITIONS TOTAL [--publish]
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from msgspec import json

from shared.events.codec import body_of, headers_of
from shared.events.labeling import LabelAssigned
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from tests.faults.counting.consumers import QUERIES, assigned

COUNTS = Path(__file__).parents[1] / "faults/counting/migrations/labeling-0001-counts.sql"
TABLES = """
CREATE TABLE checkpoints (partition integer PRIMARY KEY, next_offset bigint NOT NULL);
CREATE TABLE events (
    position bigint GENERATED ALWAYS AS IDENTITY, partition smallint, topic text, type text, event_id uuid,
    account_id integer, contact_id bigint, key text, occurred_at timestamptz, correlation_id text, causation_id text,
    body bytea, PRIMARY KEY (partition, position)
);
"""
COLUMNS = (
    "partition", "topic", "type", "event_id", "account_id", "contact_id", "key", "occurred_at", "correlation_id",
    "causation_id", "body",
)  # fmt: skip
WRITE_CHECKPOINTS = """
INSERT INTO checkpoints SELECT * FROM unnest($1::integer[], $2::bigint[])
ON CONFLICT (partition) DO UPDATE SET next_offset = excluded.next_offset
"""
BATCH = 5_000


async def process_clicks(kafka: str, dsn: str, prefix: str, partitions: int, total: int, publish: bool) -> None:
    """Process clicks from the stored checkpoints on, until `total` have been processed."""
    connection = await asyncpg.connect(dsn)
    if not await connection.fetchval("SELECT to_regclass('checkpoints')"):
        await connection.execute(COUNTS.read_text().partition("apply")[2].partition("-- migrate")[0] + TABLES)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True, compression_type="zstd", max_batch_size=900_000
    )
    await consumer.start()
    await producer.start()
    topics = [TopicPartition(prefix + "tracking.clicks", number) for number in range(partitions)]
    consumer.assign(topics)
    offsets = {
        row["partition"]: row["next_offset"]
        for row in await connection.fetch("SELECT partition, next_offset FROM checkpoints")
    }
    for topic in topics:
        consumer.seek(topic, offsets.get(topic.partition, 0))
    await connection.execute(
        WRITE_CHECKPOINTS, range(partitions), [offsets.get(number, 0) for number in range(partitions)]
    )
    read_click = json.Decoder(ContactClicked).decode
    while sum(offsets.values()) < total:
        fetched = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        clicks = []
        for topic, records in fetched.items():
            offsets[topic.partition] = records[-1].offset + 1
            for record in records:
                headers = dict(record.headers)
                click = read_click(record.value)
                clicks.append((click, headers["ce_id"].decode(), headers["ce_correlationid"].decode()))
        if not clicks:
            continue
        async with connection.transaction():
            events = await _count(connection, clicks, partitions)
            await connection.execute(WRITE_CHECKPOINTS, list(offsets), list(offsets.values()))
        if publish:
            await _publish(producer, prefix, events)
    await producer.stop()
    await consumer.stop()
    await connection.close()


async def _count(
    connection: asyncpg.Connection, clicks: Sequence[tuple[ContactClicked, str, str]], partitions: int
) -> list[tuple[Any, ...]]:
    causes: dict[tuple[int, int, Any], tuple[ContactClicked, str, str]] = {}
    accounts, contacts, labels = [], [], []
    for click, event_id, correlation_id in clicks:
        for label in click.labels:
            accounts.append(click.account_id)
            contacts.append(click.contact_id)
            labels.append(label.id)
            causes.setdefault((click.account_id, click.contact_id, label.id), (click, event_id, correlation_id))
    rows: list[tuple[Any, ...]] = []
    for account_id, contact_id, label_id in await QUERIES["count_clicks"].fetch(
        connection, account_ids=accounts, contact_ids=contacts, label_ids=labels
    ):
        click, event_id, correlation_id = causes[account_id, contact_id, label_id]
        event = assigned(click, label_id)
        rows.append(
            (
                partition_of(account_id, contact_id, partitions), "labeling.labels", LabelAssigned.type(),
                event.event_id, account_id, contact_id, event.key, event.occurred_at, correlation_id, event_id,
                body_of(event),
            )
        )  # fmt: skip
    if rows:
        await connection.copy_records_to_table("events", records=rows, columns=COLUMNS)
    return rows


async def _publish(producer: AIOKafkaProducer, prefix: str, rows: Sequence[tuple[Any, ...]]) -> None:
    acknowledgements = []
    for partition, topic, event_type, event_id, _, _, key, occurred_at, correlation_id, causation_id, body in rows:
        headers = headers_of(event_type, event_id, "/bare", occurred_at, None, {}, correlation_id, causation_id, None)
        acknowledgements.append(
            await producer.send(prefix + topic, body, key.encode(), partition=partition, headers=headers)
        )
    await asyncio.gather(*acknowledgements)


if __name__ == "__main__":
    kafka, dsn, prefix, partitions, total, *rest = sys.argv[1:]
    uvloop.run(process_clicks(kafka, dsn, prefix, int(partitions), int(total), "--publish" in rest))
