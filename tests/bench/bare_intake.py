"""The baseline of tracking: it reads reported clicks, skips duplicates, writes clicks and events, and publishes these.

It looks up no contacts or links, decides no verdict, and counts nothing. Otherwise it is like `tests.bench.bare`.

    python -m tests.bench.bare_intake KAFKA DSN PREFIX PARTITIONS TOTAL
"""

import asyncio
import sys
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from uuid_utils.compat import uuid7

from shared.events.codec import body_of, headers_of
from shared.events.intake import ClickReported
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from tests.bench.bare import BATCH, COLUMNS, TABLES, WRITE_CHECKPOINTS

INSERT_NEW_KEYS = """
INSERT INTO seen SELECT * FROM unnest($1::text[]) AS reported (key) ON CONFLICT DO NOTHING RETURNING key
"""
CLICK_COLUMNS = ("click_id", "contact_id", "link_id", "occurred_at", "user_agent", "ip")
MORE_TABLES = """
CREATE TABLE seen (key text PRIMARY KEY);
CREATE TABLE clicks (
    click_id uuid PRIMARY KEY, contact_id bigint, link_id uuid, occurred_at timestamptz, user_agent text, ip text
);
"""


async def process_reports(kafka: str, dsn: str, prefix: str, partitions: int, total: int) -> None:
    """Process `total` reports."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLES + MORE_TABLES)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True, compression_type="zstd", max_batch_size=900_000
    )
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(prefix + "intake.clicks", number) for number in range(partitions)])
    offsets = dict.fromkeys(range(partitions), 0)
    await connection.execute(WRITE_CHECKPOINTS, list(offsets), list(offsets.values()))
    while sum(offsets.values()) < total:
        records: list[ConsumerRecord[bytes, bytes]] = []
        for topic, fetched in (await consumer.getmany(timeout_ms=200, max_records=BATCH)).items():
            offsets[topic.partition] = fetched[-1].offset + 1
            records += fetched
        if not records:
            continue
        async with connection.transaction():
            rows = await _write_reports(connection, records, partitions)
            await connection.execute(WRITE_CHECKPOINTS, list(offsets), list(offsets.values()))
        acknowledgements = []
        for row in rows:
            headers = headers_of(row[2], row[3], "/bare", row[7], None, {}, row[8], row[9], None)
            acknowledgements.append(
                await producer.send(prefix + row[1], row[10], row[6].encode(), partition=row[0], headers=headers)
            )
        await asyncio.gather(*acknowledgements)
    await producer.stop()
    await consumer.stop()
    await connection.close()


async def _write_reports(
    connection: asyncpg.Connection, records: list[ConsumerRecord[bytes, bytes]], partitions: int
) -> list[tuple[Any, ...]]:
    reports = {}
    for record in records:
        headers = dict(record.headers)
        reports[headers["ce_id"].decode()] = ClickReported.__pydantic_validator__.validate_json(record.value)
    rows, clicks = [], []
    for (key,) in await connection.fetch(INSERT_NEW_KEYS, list(reports)):
        report = reports[key]
        click_id = uuid7()
        event = ContactClicked(
            event_id=click_id, occurred_at=report.occurred_at, account_id=report.account_id,
            contact_id=report.contact_id, click_id=click_id, message_id=report.message_id, send=report.send,
            link_id=report.link_id, url="https://shop.example/1", labels=(), verdict="human", reasons=(),
        )  # fmt: skip
        clicks.append((click_id, report.contact_id, report.link_id, report.occurred_at, report.user_agent, report.ip))
        rows.append(
            (
                partition_of(report.account_id, report.contact_id, partitions), "tracking.clicks",
                ContactClicked.type(), click_id, report.account_id, report.contact_id, event.key, report.occurred_at,
                key, key, body_of(event),
            )
        )  # fmt: skip
    await connection.copy_records_to_table("clicks", records=clicks, columns=CLICK_COLUMNS)
    await connection.copy_records_to_table("events", records=rows, columns=COLUMNS)
    return rows


if __name__ == "__main__":
    kafka, dsn, prefix, partitions, total = sys.argv[1:]
    uvloop.run(process_reports(kafka, dsn, prefix, int(partitions), int(total)))
