"""Keeps a table of who holds which label, from `labeling.labels`: a small downstream consumer.

Kafka delivers at least once, and a record may be repeated much later. `ce_sequence` increases within a partition, so it
is enough to store the highest one applied. It is stored in the same transaction as the table, so the table is correct
even if the consumer is killed. No consumer group is needed.

    PENCHANT_KAFKA=… python docs/examples/label_events.py labels.sqlite
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

TABLES = """
CREATE TABLE IF NOT EXISTS held (account INTEGER, contact INTEGER, label TEXT, name TEXT, since TEXT,
    PRIMARY KEY (account, contact, label));
CREATE TABLE IF NOT EXISTS applied (partition INTEGER PRIMARY KEY, next_offset INTEGER, sequence INTEGER);
"""


def apply(database: sqlite3.Connection, record: ConsumerRecord) -> None:
    """Apply a record, unless it was applied before."""
    headers = dict(record.headers)
    sequence = int(headers["ce_sequence"])
    _, seen = position(database, record.partition)
    if sequence > seen:
        event = json.loads(record.value)
        which = (event["account_id"], event["contact_id"], event["label_id"])
        # Types have versions; a consumer that knows the version ignores members that it does not know.
        if headers["ce_type"] == b"penchant.LabelAssigned.v1":
            held = (*which, event["label_name"], event["occurred_at"])
            database.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", held)
            print(f"contact {event['contact_id']} got {event['label_name']}, by {event['origin']['kind']}", flush=True)
        elif headers["ce_type"] == b"penchant.LabelRemoved.v1":
            database.execute("DELETE FROM held WHERE (account, contact, label) = (?, ?, ?)", which)
            print(f"contact {event['contact_id']} lost {event['label_name']}", flush=True)
    applied = (record.partition, record.offset + 1, max(sequence, seen))
    database.execute("INSERT OR REPLACE INTO applied VALUES (?, ?, ?)", applied)


def position(database: sqlite3.Connection, partition: int) -> tuple[int, int]:
    """Return the next offset, and the highest sequence applied."""
    found: tuple[int, int] | None = database.execute(
        "SELECT next_offset, sequence FROM applied WHERE partition = ?", (partition,)
    ).fetchone()
    return found or (0, 0)


async def main(path: str) -> None:
    """Follow the topic until a signal comes."""
    database = sqlite3.connect(path)
    database.executescript(TABLES)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    topic = f"{os.environ.get('PENCHANT_TOPIC_PREFIX', '')}labeling.labels"
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=os.environ["PENCHANT_KAFKA"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    async with consumer:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        for partition in partitions:
            consumer.seek(partition, position(database, partition.partition)[0])
        while not stop.is_set():
            for records in (await consumer.getmany(timeout_ms=200)).values():
                with database:
                    for record in records:
                        apply(database, record)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
