"""Records that can never be processed move from the database to the dead-letter topics, whatever they contain."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from shared.bus.dead_letters import DeadLetters
from shared.bus.letters import Letters
from shared.bus.producer import IntakeProducer, RecordTooLarge
from shared.store.held import HeldRecord, insert_held
from tests.shared.bus.rig import Rig
from tests.stack.waiting import until

LARGE = 1_040_000  # bytes; Kafka's limit is 1,048,588 in total, and random bytes cannot be compressed


@pytest_asyncio.fixture
async def producer(rig: Rig) -> AsyncIterator[IntakeProducer]:
    made = IntakeProducer(rig.settings)
    yield made
    await made.stop()


async def insert_dead_records(rig: Rig, values: Sequence[bytes | None]) -> None:
    """Insert a held record in the state `dead` for each value, with offsets from 0."""
    records = [
        HeldRecord(
            consumer="counting", topic="intake.clicks", partition=0, offset=offset, key=value and b"1:1", value=value,
            headers=[("ce_id", b"1"), ("odd", b"\xff"), ("empty", None)], account_id=None, contact_id=None,
            state="dead", reason="not_json", waits_for=(), held_at=datetime.now(UTC), expires_at=None,
        )
        for offset, value in enumerate(values)
    ]  # fmt: skip
    async with rig.database.transaction() as connection:
        await insert_held(connection, records)


async def held(rig: Rig) -> list[tuple[int, str]]:
    rows = await rig.database.pool.fetch("SELECT record_offset, state FROM held ORDER BY id")
    return [(row["record_offset"], row["state"]) for row in rows]


async def no_record_is_held(rig: Rig) -> bool:
    return not await held(rig)


@pytest.mark.asyncio
async def test_a_too_large_record_is_published_without_its_value_and_blocks_no_other(
    rig: Rig, producer: IntakeProducer
) -> None:
    await insert_dead_records(rig, [b"before", os.urandom(LARGE), None, b"after"])
    moving = asyncio.create_task(DeadLetters(rig.database, producer, "labeling", ["counting"]).run())
    try:
        await until(lambda: no_record_is_held(rig))
    finally:
        moving.cancel()
    async with Letters(rig.settings) as letters:
        found = {letter.origin_offset: letter for letter in await letters.read()}
        assert {offset: letter.value for offset, letter in found.items()} == {
            "0": b"before",
            "1": None,
            "2": None,
            "3": b"after",
        }
        assert found["1"].reason == "not_json"
        assert "bytes" in (found["1"].left_out or "")
        assert await letters.replay([found["1"]]) == 0
    async with Letters(rig.settings) as letters:
        assert len(await letters.read()) == 4


@pytest.mark.asyncio
async def test_only_the_leader_publishes(rig: Rig, producer: IntakeProducer) -> None:
    await insert_dead_records(rig, [b"one"])
    is_leader = False
    moving = asyncio.create_task(DeadLetters(rig.database, producer, "labeling", ["counting"], lambda: is_leader).run())
    try:
        await asyncio.sleep(0)
        assert await held(rig) == [(0, "dead")]
        is_leader = True
        await until(lambda: no_record_is_held(rig))
    finally:
        moving.cancel()


@pytest.mark.asyncio
async def test_a_too_large_record_is_refused_and_the_producer_stays_connected(
    rig: Rig, producer: IntakeProducer
) -> None:
    await producer.send("intake.clicks", [(None, b"first", [])])
    sending = [producer.send("intake.clicks", [(None, str(number).encode(), [])]) for number in range(20)]
    too_large = [producer.send("intake.clicks", [(None, os.urandom(LARGE), [])]) for _ in range(5)]
    connected = producer._producer
    outcomes = await asyncio.gather(*sending, *too_large, return_exceptions=True)
    assert outcomes[:20] == [None] * 20
    assert all(isinstance(outcome, RecordTooLarge) for outcome in outcomes[20:])
    assert producer._producer is connected
