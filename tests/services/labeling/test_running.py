"""A labeling process that is killed under load counts exactly, and erases contacts everywhere."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from services.labeling.settings import LabelingSettings
from shared.bus.connection import client_options
from shared.events.codec import Tombstone, decode
from shared.events.parts import LabelReference
from tests.bench.clicks import ClickWriter, clicks_of
from tests.conftest import TestKafka
from tests.stack.processes import ServiceProcess

CLICKS = 12_000
PARTITIONS = 3
DEADLINE = 90.0  # seconds


@pytest.fixture
def settings(kafka: TestKafka, database_dsn: str, topic_prefix: str) -> LabelingSettings:
    return LabelingSettings(
        kafka=kafka.bootstrap,
        topic_prefix=topic_prefix,
        partitions=PARTITIONS,
        labeling_database=SecretStr(database_dsn),
        operator_key=SecretStr("operator"),
    )


@pytest.fixture
def process(settings: LabelingSettings, tmp_path: Path) -> Iterator[ServiceProcess]:
    environment = {
        "PENCHANT_KAFKA": settings.kafka,
        "PENCHANT_TOPIC_PREFIX": settings.topic_prefix,
        "PENCHANT_PARTITIONS": str(PARTITIONS),
        "PENCHANT_LABELING_DATABASE": settings.labeling_database.get_secret_value(),
        "PENCHANT_OPERATOR_KEY": "operator",
    }
    process = ServiceProcess("services.labeling", environment, tmp_path / "log", "PENCHANT_LABELING_PORT", forked=True)
    yield process.start()
    process.end()


def set_up(url: str) -> tuple[int, list[LabelReference], list[int]]:
    """Create an account with three labels and 400 contacts; return its id, the labels and the contact ids."""
    made = httpx.post(f"{url}/v1/accounts", json={"name": "Shop"}, headers={"Authorization": "Bearer operator"}).json()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {made['api_key']}"}, timeout=30) as client:
        labels = [
            LabelReference(id=uuid.UUID(client.post("/v1/labels", json={"name": name}).json()["id"]), name=name)
            for name in ("Dogs", "Cats", "Birds")
        ]
        rows = [{"email": f"person{number}@example.com"} for number in range(400)]
        contacts = client.post("/v1/contacts/batch", json=rows).json()["contact_ids"]
    return made["account_id"], labels, contacts


async def read_all(settings: LabelingSettings, topic: str) -> dict[tuple[int, int], object]:
    """Return the records of a topic by partition and sequence: the relay may have published a record twice."""
    kafka = AIOKafkaConsumer(
        enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed",
        **client_options(settings),
    )  # fmt: skip
    await kafka.start()
    try:
        partitions = [TopicPartition(settings.topic_prefix + topic, number) for number in range(PARTITIONS)]
        kafka.assign(partitions)
        await kafka.seek_to_beginning(*partitions)
        ends = await kafka.end_offsets(partitions)
        found: dict[tuple[int, int], object] = {}
        while any([await kafka.position(partition) < end for partition, end in ends.items()]):
            for partition, records in (await kafka.getmany(timeout_ms=200)).items():
                for record in records:
                    decoded = decode(topic, record.key, record.value, dict(record.headers))
                    found[partition.partition, decoded.sequence or 0] = decoded.event
        return found
    finally:
        await kafka.stop()


async def counts(dsn: str) -> Counter[tuple[int, uuid.UUID]]:
    """Return labeling's counts, by contact and label."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT contact_id, label_id, clicks FROM assignments JOIN labels USING (label_no)"
        )
    finally:
        await connection.close()
    return Counter({(row["contact_id"], uuid.UUID(int=row["label_id"].int)): row["clicks"] for row in rows})


@pytest.mark.timeout(240)
@pytest.mark.asyncio
async def test_every_click_is_counted_once_despite_repeated_kills(
    process: ServiceProcess, settings: LabelingSettings
) -> None:
    account_id, labels, contacts = await asyncio.to_thread(set_up, process.url)
    dice = random.Random(7)
    clicks = [
        replace(click, verdict="machine") if dice.random() < 0.1 else click
        for click in clicks_of([dice.choice(contacts) for _ in range(CLICKS)], labels, account_id)
    ]
    human = [click for click in clicks if click.verdict == "human"]
    expected = Counter((click.contact_id, label.id) for click in human for label in click.labels)
    dsn = settings.labeling_database.get_secret_value()

    writing = asyncio.create_task(ClickWriter(settings).write(iter(clicks)))
    for _ in range(3):
        before = (await counts(dsn)).total()
        deadline = time.monotonic() + DEADLINE
        while (await counts(dsn)).total() == before and before < len(human):
            assert time.monotonic() < deadline, process.tail()
            await asyncio.sleep(0.01)
        process.kill()
        await asyncio.to_thread(process.start, ready=False)
    assert await writing == len(clicks)

    deadline = time.monotonic() + DEADLINE
    while (await counts(dsn)).total() < len(human):
        assert time.monotonic() < deadline, process.tail()
        await asyncio.sleep(0.1)
    assert await counts(dsn) == expected

    def count_assignments(events: dict[tuple[int, int], object]) -> Counter[object]:
        return Counter((event.contact_id, event.label_id) for event in events.values())  # type: ignore[attr-defined]

    published = count_assignments(await read_all(settings, "labeling.labels"))
    while len(published) < len(expected):
        assert time.monotonic() < deadline, process.tail()
        published = count_assignments(await read_all(settings, "labeling.labels"))
    assert published == Counter(dict.fromkeys(expected, 1))
    await asyncio.to_thread(process.wait_ready)
    assert await asyncio.to_thread(process.terminate) == 0


@pytest.mark.timeout(120)
@pytest.mark.asyncio
async def test_an_erased_contact_is_not_logged_and_its_topic_ends_with_a_tombstone(
    process: ServiceProcess, settings: LabelingSettings
) -> None:
    headers = {"Authorization": "Bearer operator"}

    def create_and_erase() -> int:
        made = httpx.post(f"{process.url}/v1/accounts", json={"name": "Shop"}, headers=headers).json()
        key = {"Authorization": f"Bearer {made['api_key']}"}
        with httpx.Client(base_url=process.url, headers=key, timeout=30) as client:
            body = {"email": "findable@example.com", "external_id": "findable-crm"}
            contact: int = client.post("/v1/contacts", json=body).json()["id"]
            client.get("/v1/contacts", params={"email": "findable@example.com"})
            client.get("/v1/contacts/external:findable-crm")
            assert client.delete("/v1/contacts/external:findable-crm").status_code == 204
        return contact

    contact_id = await asyncio.to_thread(create_and_erase)
    deadline = time.monotonic() + 30
    while len(published := await read_all(settings, "labeling.contacts")) < 3:
        assert time.monotonic() < deadline, process.tail()
    events = [published[place] for place in sorted(published)]
    states = [getattr(event, "state", "tombstone") for event in events]
    assert states in (["active", "erased", "tombstone"], ["tombstone", "erased", "tombstone"])
    assert events[-1] == Tombstone(f"1:{contact_id}")
    assert "findable" not in process.log.read_text()
    assert await asyncio.to_thread(process.terminate) == 0
