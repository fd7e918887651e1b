"""Intake records come from any partitioner, with any content, and may name contacts that are not known yet."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from shared.bus.dead_letters import DeadLetters
from shared.bus.handler import Handler
from shared.bus.host import ConsumerHost
from shared.bus.producer import IntakeProducer
from shared.bus.received import Received
from shared.events.topics import partition_of
from shared.store.held import release_failed
from shared.store.unit_of_work import UnitOfWork
from tests.shared.bus.rig import COUNT, PARTITIONS, Rig, assigned
from tests.stack.waiting import until


class Intake(Handler):
    """Counts engagements of known contacts; those of other contacts are held until the contact is known."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.failing: set[int] = set()
        self.batch_partitions: set[frozenset[int]] = set()

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        self.batch_partitions.add(frozenset(received.partition for received in batch))
        usable = []
        for received in batch:
            contact = received.event.contact_id
            if contact in self.failing:
                raise ZeroDivisionError
            if contact in self.known:
                usable.append(received)
            else:
                work.hold(received, "contact not known", [f"contact:{contact}"])
        await work.lock({partition_of(1, received.event.contact_id, PARTITIONS) for received in usable})
        await work.connection.fetch(COUNT, [1] * len(usable), [received.event.contact_id for received in usable])
        for received in usable:
            work.append(assigned(received.event.contact_id, uuid4()), cause=received)


def report(contact: int, **changes: Any) -> bytes:
    fields = {"account_id": 1, "contact_id": contact, "kind": "page.visited", "occurred_at": "2026-11-23T10:00:00Z"}
    return orjson.dumps(fields | changes)


HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"one"),
    ("ce_source", b"/shop"),
    ("ce_type", b"penchant.EngagementReported.v1"),
    ("ce_time", b"2026-11-23T10:00:00Z"),
]
TOPIC = "intake.engagements"
POISON: dict[str, tuple[bytes | None, list[tuple[str, Any]]]] = {
    "not json": (b"{not json", HEADERS),
    "wrong type": (report(1, contact_id="one"), HEADERS),
    "null value": (None, HEADERS),
    "no headers": (report(1), []),
    "no id": (report(1), [header for header in HEADERS if header[0] != "ce_id"]),
    "not utf-8": (report(1), [*HEADERS[:1], ("ce_id", b"\xff\xfe"), *HEADERS[2:]]),
    "unknown type": (report(1), [*HEADERS[:3], ("ce_type", b"penchant.Nonsense.v1"), HEADERS[4]]),
    "newer version": (report(1), [*HEADERS[:3], ("ce_type", b"penchant.EngagementReported.v9"), HEADERS[4]]),
    "too large": (report(1, data={"text": "x" * 80_000}), HEADERS),
}


@pytest.mark.asyncio
async def test_invalid_records_become_dead_letters_and_valid_ones_are_applied(rig: Rig) -> None:
    handler = Intake()
    handler.known = set(range(1, 100))
    for number, (value, headers) in enumerate(POISON.values()):
        await rig.send(TOPIC, b"key", report(10 + number), 0, HEADERS)
        await rig.send(TOPIC, b"poison", value, 0, headers)
    await rig.send(TOPIC, None, report(99), 0, HEADERS)
    producer = IntakeProducer(rig.settings)
    dead = DeadLetters(rig.database, producer, "labeling", ["counting"])
    async with rig.worker(handler, topics=(TOPIC,)):
        await until(lambda: rig.has_counted(len(POISON) + 1))
        assert await dead._publish_batch() == len(POISON)
    await producer.stop()
    letters = await rig.read(f"{TOPIC}.dead")
    assert [letter.value for letter in letters] == [value for value, _ in POISON.values()]
    for letter, (_, headers) in zip(letters, POISON.values(), strict=True):
        found = dict(letter.headers)
        assert letter.headers[: len(headers)] == tuple(headers)
        assert found["dead_topic"] == TOPIC.encode()
        assert found["dead_service"] == b"labeling"
        assert found["dead_reason"]
        assert letter.key == b"poison"
    assert [int(dict(letter.headers)["dead_offset"]) for letter in letters] == [
        1 + 2 * number for number in range(len(POISON))
    ]


@pytest.mark.asyncio
async def test_a_record_of_an_unknown_contact_is_held_until_the_contact_is_known(rig: Rig) -> None:
    handler = Intake()
    handler.known = {1}
    for contact in (1, 2, 3):
        await rig.send(TOPIC, None, report(contact), contact % PARTITIONS, HEADERS)
    async with rig.worker(handler, topics=(TOPIC,)):
        await until(lambda: rig.has_counted(1))
        await until(lambda: held(rig, "waiting", 2))
        handler.known.add(2)
        async with rig.database.unit_of_work(0) as work:
            await work.release(["contact:2"])
        await until(lambda: rig.has_counted(2))
        await until(lambda: held(rig, "waiting", 1))
    assert await rig.counts() == {1: 1, 2: 1}


@pytest.mark.asyncio
async def test_waiting_records_become_dead_letters_after_ten_minutes(rig: Rig) -> None:
    await rig.send(TOPIC, b"key", report(5), 1, HEADERS)
    producer = IntakeProducer(rig.settings)
    dead = DeadLetters(rig.database, producer, "labeling", ["counting"])
    async with rig.worker(Intake(), topics=(TOPIC,)):
        await until(lambda: held(rig, "waiting", 1))
        row = await rig.database.pool.fetchrow("SELECT held_at, expires_at FROM held")
        assert row is not None
        assert row["expires_at"] - row["held_at"] == timedelta(minutes=10)
        await rig.database.pool.execute("UPDATE held SET expires_at = $1", datetime.now(UTC) - timedelta(seconds=1))
        moving = asyncio.create_task(dead.run())
        await until(lambda: held(rig, "waiting", 0))
        await until(lambda: held(rig, "dead", 0))
        moving.cancel()
    await producer.stop()
    [letter] = await rig.read(f"{TOPIC}.dead")
    assert letter.value == report(5)
    assert dict(letter.headers)["dead_reason"] == b"contact not known"


@pytest.mark.asyncio
async def test_only_the_record_on_which_the_handler_fails_is_held(rig: Rig) -> None:
    handler = Intake()
    handler.known, handler.failing = set(range(1, 20)), {7}
    for contact in range(1, 20):
        await rig.send(TOPIC, None, report(contact), contact % PARTITIONS, HEADERS)
    async with rig.worker(handler, topics=(TOPIC,)):
        await until(lambda: rig.has_counted(18))
        assert await held(rig, "failed", 1)
        handler.failing = set()
        async with rig.database.transaction() as connection:
            assert await release_failed(connection, TOPIC, None, None) == 1
        await until(lambda: rig.has_counted(19))
        assert await held(rig, "failed", 0)


@pytest.mark.asyncio
async def test_batches_span_partitions_and_two_workers_share_the_partitions(rig: Rig) -> None:
    first, second = Intake(), Intake()
    first.known = second.known = set(range(1, 201))
    for contact in range(1, 101):
        await rig.send(TOPIC, None, report(contact), contact % PARTITIONS, HEADERS)
    async with rig.worker(first, topics=(TOPIC,)) as first_host:
        await until(lambda: rig.has_counted(100))
        assert max(map(len, first.batch_partitions)) > 1
        assert sorted(part.partition for one in first_host.partitions.values() for part in one.parts) == [
            *range(PARTITIONS)
        ]
        async with rig.worker(second, name="two", topics=(TOPIC,)) as second_host:
            await until(lambda: partitions_are_shared(first_host, second_host))
            first.batch_partitions.clear()
            for contact in range(101, 201):
                await rig.send(TOPIC, None, report(contact), contact % PARTITIONS, HEADERS)
            await until(lambda: rig.has_counted(200))
            assert first.batch_partitions
            assert second.batch_partitions
    assert await rig.counts() == dict.fromkeys(range(1, 201), 1)


async def partitions_are_shared(*hosts: ConsumerHost) -> bool:
    parts = [[part for one in host.partitions.values() for part in one.parts] for host in hosts]
    return all(parts) and sorted(part.partition for one in parts for part in one) == [*range(PARTITIONS)]


async def held(rig: Rig, state: str, count: int) -> bool:
    found: int = await rig.database.pool.fetchval("SELECT count(*) FROM held WHERE state = $1", state)
    return found == count
