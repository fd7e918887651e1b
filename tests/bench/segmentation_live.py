"""Segmentation as a process: folding through Kafka, the latency from click to membership, restart from a snapshot."""

import asyncio
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import quantiles
from time import monotonic
from uuid import uuid4

import asyncpg
import httpx
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.segmentation.consumers.slices import CONSUMER, VERSION
from services.segmentation.store.memberships import write_changes
from services.segmentation.store.snapshots import Reader, write_snapshot
from shared.bus.connection import client_options
from shared.events.codec import body_of, headers_of
from shared.events.envelope import ContactEvent, Event
from shared.events.labeling import AccountChanged, ApiKeyChanged, ContactChanged, FieldChanged, LabelChanged
from shared.events.parts import LabelReference
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from shared.http.keys import generate, hash_of
from shared.settings import CommonSettings
from tests.bench.clicks import ClickWriter, clicks_of
from tests.bench.figure import Figure
from tests.bench.place import Place, Sandbox
from tests.bench.segmentation_image import ACCOUNT, PARTITIONS, THREE_PARTS, ZONE, ClickHistory, label_id
from tests.stack.processes import ServiceProcess

FOLDED = 300_000
LIVE_CONTACTS = 5_000
CLICKS_PER_SECOND = 500
SEGMENTS = 100
NOW = datetime.now(UTC)


class EventWriter:
    """Writes events in place of the services that own them."""

    def __init__(self, settings: CommonSettings, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.producer = producer
        self.sequence = 0

    async def send(self, event: Event) -> "asyncio.Future[object]":
        self.sequence += 1
        sent: asyncio.Future[object] = await self.producer.send(
            self.settings.topic_prefix + event.topic,
            key=event.key.encode(),
            value=body_of(event),
            partition=partition_of(event.account_id, event.contact_id, PARTITIONS)
            if isinstance(event, ContactEvent)
            else 0,
            headers=headers_of(
                event.type(), event.event_id, "/bench", event.occurred_at, self.sequence, {}, None, None, None
            ),
        )
        return sent

    async def write(self, events: Sequence[Event]) -> None:
        await asyncio.gather(*[await self.send(event) for event in events])


async def run(place: Place) -> list[Figure]:
    """Measure folding through Kafka, the time from a click to a membership, and a restart."""
    return [*await folding(place), *await latency(place), *await restart(place)]


def catalog(key: str) -> list[Event]:
    """Return an account with a key, labels and a field."""
    labels = [
        LabelChanged(
            occurred_at=NOW, account_id=ACCOUNT, label_id=label_id(number), label_name=f"Label {number}",
            description="", visibility="private",
        )
        for number in range(20)
    ]  # fmt: skip
    return [
        AccountChanged(occurred_at=NOW, account_id=ACCOUNT, account_name="Bench", time_zone=ZONE),
        ApiKeyChanged(
            occurred_at=NOW, account_id=ACCOUNT, key_id=uuid4(), hash=hash_of(key), scopes=("read", "write"),
            revoked=False,
        ),
        FieldChanged(occurred_at=NOW, account_id=ACCOUNT, field_key="city", field_name="City", field_type="text"),
        *labels,
    ]  # fmt: skip


def contact(contact_id: int) -> ContactChanged:
    return ContactChanged(
        occurred_at=NOW, account_id=ACCOUNT, contact_id=contact_id, external_id=None, email=None,
        fields={"city": f"city {contact_id % 300}"}, state="active", subscription="subscribed",
        tracking_consent="granted",
    )  # fmt: skip


def process_on(sandbox: Sandbox, dsn: str) -> ServiceProcess:
    """Return a process of segmentation, not started yet."""
    return sandbox.process(
        "services.segmentation", "PENCHANT_SEGMENTATION_PORT", {"PENCHANT_SEGMENTATION_DATABASE": dsn}
    )


async def folding(place: Place) -> list[Figure]:
    """Measure folding from the topic into the image, by one process and by two."""
    with place.sandbox() as sandbox:
        dsn = sandbox.database()
        # The same process is used later: for 45 s, Kafka's group waits for a member with this address to return.
        one = process_on(sandbox, dsn)
        one.start().terminate()
        labels = [LabelReference(id=label_id(number), name=f"Label {number}") for number in range(20)]
        dice = random.Random(2)
        contacts = [dice.randrange(1, 1_000_000) for _ in range(FOLDED)]
        writer = ClickWriter(sandbox.settings)
        await writer.write(clicks_of(contacts, labels, ACCOUNT))
        fetched = await _fetch_rate(sandbox.settings)
        one.start(ready=False)
        alone = await _fold_rate(dsn, 0)
        # Both processes get their partitions before records are written, so that no rebalance is measured. A static
        # member that returns within 45 s gets the same partitions.
        two = process_on(sandbox, dsn).start()
        await _wait_for_owners(dsn, 2)
        one.terminate()
        two.terminate()
        await writer.write(clicks_of(contacts, labels, ACCOUNT))
        one.start(ready=False)
        two.start(ready=False)
        together = await _fold_rate(dsn, FOLDED)
    return [
        Figure(
            "segmentation: folded through Kafka, one process", alone, "events/s", goal=80_000, baseline=fetched,
            baseline_of="fetched by aiokafka, and nothing else",
        ),
        Figure(
            "segmentation: folded through Kafka, two processes", together, "events/s", baseline=alone,
            baseline_of="one process", goal_ratio=1.7 if (os.cpu_count() or 1) > 4 else None,
        ),
    ]  # fmt: skip


async def _fetch_rate(settings: CommonSettings) -> float:
    """Return the records per second that a plain consumer in one process fetches from the same topic."""
    topic = settings.topic_prefix + ContactClicked.topic
    consumer = AIOKafkaConsumer(topic, auto_offset_reset="earliest", **client_options(settings))
    await consumer.start()
    try:
        count, began = 0, monotonic()
        while count < FOLDED:
            count += sum(map(len, (await consumer.getmany(timeout_ms=500)).values()))
        return count / (monotonic() - began)
    finally:
        await consumer.stop()


async def _wait_for_owners(dsn: str, number: int) -> None:
    await _wait_for_number(dsn, "SELECT count(DISTINCT url) FROM slice_owner", number)


async def _fold_rate(dsn: str, before: int) -> float:
    """Return the records per second of the FOLDED records after the first `before`, without their first tenth."""
    started = await _time_when_applied(dsn, before + FOLDED // 10)
    skipped = FOLDED // 10
    return (FOLDED - skipped) / (await _time_when_applied(dsn, before + FOLDED) - started)


async def _time_when_applied(dsn: str, number: int) -> float:
    """Wait until `number` records have been applied; return the time."""
    await _wait_for_number(dsn, "SELECT coalesce(sum(next_offset), 0)::bigint FROM checkpoints", number)
    return monotonic()


async def _wait_for_number(dsn: str, query: str, minimum: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(180):
            while await connection.fetchval(query) < minimum:  # noqa: ASYNC110 (a table sends no notification)
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def latency(place: Place) -> list[Figure]:
    """Measure the time from a click on its topic to SegmentEntered at an outside consumer."""
    with place.sandbox() as sandbox:
        dsn, key = sandbox.database(), generate()
        process = process_on(sandbox, dsn).start()
        async with AIOKafkaProducer(**client_options(sandbox.settings)) as producer:
            writer = EventWriter(sandbox.settings, producer)
            await writer.write(catalog(key))
            await writer.write([contact(number) for number in range(1, LIVE_CONTACTS + 1)])
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=30) as client:
                for number in range(SEGMENTS):
                    criterion = {"clicks": {"label": str(label_id(number % 20)), "at_least": 1 + number // 20}}
                    answer = await client.post("/v1/segments", json={"name": f"s{number}", "criterion": criterion})
                    answer.raise_for_status()
            times = await _click_delays(sandbox, writer)
    cuts = quantiles(times, n=100)
    return [
        Figure("segmentation: click to SegmentEntered, median", cuts[49] * 1000, "ms", goal=150, better="lower"),
        Figure("segmentation: click to SegmentEntered, p99", cuts[98] * 1000, "ms", goal=700, better="lower"),
    ]


async def _click_delays(sandbox: Sandbox, writer: EventWriter) -> list[float]:
    outside = AIOKafkaConsumer(
        sandbox.prefix + "segmentation.memberships", auto_offset_reset="latest", **client_options(sandbox.settings)
    )
    await outside.start()
    await outside.seek_to_end()
    labels = [LabelReference(id=label_id(number), name="any") for number in range(20)]
    sent: dict[bytes, float] = {}
    times: list[float] = []

    async def listen() -> None:
        while len(times) < LIVE_CONTACTS:
            for records in (await outside.getmany(timeout_ms=50)).values():
                now = monotonic()
                times.extend(now - sent.pop(record.key) for record in records if record.key in sent)

    listening = asyncio.create_task(listen())
    began = monotonic()
    for number, click in enumerate(clicks_of(range(1, LIVE_CONTACTS + 1), labels, ACCOUNT)):
        await asyncio.sleep(max(0.0, began + number / CLICKS_PER_SECOND - monotonic()))
        sent[click.key.encode()] = monotonic()
        await writer.send(replace(click, occurred_at=datetime.now(UTC)))
    async with asyncio.timeout(60):
        await listening
    await outside.stop()
    return times


async def restart(place: Place) -> list[Figure]:
    """Measure the time from the start of a process to its first answer, with a snapshot of a million contacts."""
    with place.sandbox() as sandbox:
        dsn, key = sandbox.database(), generate()
        process = process_on(sandbox, dsn)
        process.start().terminate()
        async with AIOKafkaProducer(**client_options(sandbox.settings)) as producer:
            await EventWriter(sandbox.settings, producer).write(catalog(key))
        saved = await _write_snapshots(dsn)
        began = monotonic()
        process.start()
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=30) as client:
            answer = await client.post("/v1/criteria/count", json={"criterion": THREE_PARTS})
            answer.raise_for_status()
            took = monotonic() - began
            nodes = answer.json()["nodes"]
        memory = psutil.Process(process.pid).memory_info().rss
        assert nodes[2]["count"] > 0, nodes
    return [
        Figure("segmentation: restart at 1M contacts, 10M clicks", took, "s", goal=10, better="lower"),
        Figure("segmentation: memory at 1M contacts, 10M clicks", memory / 1e6, "MB", goal=1500, better="lower"),
        Figure("segmentation: snapshot of 1M contacts, 10M clicks", saved / 1e6, "MB"),
    ]


async def _write_snapshots(dsn: str) -> int:
    saved = 0
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        for partition, account in enumerate(ClickHistory(1_000_000, 10_000_000).slices()):
            async with connection.transaction():
                saved += await write_snapshot(
                    connection, partition, Reader(CONSUMER, VERSION, PARTITIONS), [account], datetime.now(UTC)
                )
                await write_changes(connection, partition, [account])
    return saved
