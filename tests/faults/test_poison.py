"""Invalid records between valid ones are held or become dead letters, and no valid record is lost."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from shared.bus.topics import ensure_topics
from shared.events.codec import body_of, headers_of
from shared.events.topics import partition_of
from tests.bench.clicks import ClickWriter, clicks_of
from tests.faults.cast import LABELS
from tests.faults.chain import Chain
from tests.faults.checks import check_every_click_counted_once, fetch
from tests.faults.load import click_record
from tests.stack.sandbox import OPERATOR_KEY, Sandbox
from tests.stack.shop import Shop
from tests.stack.topics import read_topic
from tests.stack.waiting import until_equal

Headers = Sequence[tuple[str, bytes | None]]

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


def invalid_records(shop: Shop) -> dict[str, tuple[bytes | None, Headers]]:
    """Return invalid records for `intake.clicks`, by what is wrong with them."""
    value, good = click_record(shop, shop.contacts[0], shop.links[0][0])
    report = orjson.loads(value)
    without = {name: [header for header in good if header[0] != name] for name, _ in good}
    return {
        "not JSON": (b"{'a'", good),
        "a number for an object": (b"17", good),
        "wrong types": (orjson.dumps(report | {"account_id": "one"}), good),
        "null value": (None, good),
        "no id": (value, without["ce_id"]),
        "no source": (value, without["ce_source"]),
        "no type": (value, without["ce_type"]),
        "header without a value": (value, [*without["ce_id"], ("ce_id", None)]),
        "header that is not UTF-8": (value, [*without["ce_id"], ("ce_id", b"\xff\xfe")]),
        "no headers": (value, []),
        "unknown type": (value, [*without["ce_type"], ("ce_type", b"penchant.Sneezed.v1")]),
        "newer version": (value, [*without["ce_type"], ("ce_type", b"penchant.ClickReported.v99")]),
        "too large": (orjson.dumps(report | {"more": "x" * 100_000}), good),
        "another account's message": (orjson.dumps(report | {"account_id": shop.account_id + 1}), good),
        "a link of no message": (orjson.dumps(report | {"link_id": str(uuid4())}), good),
        "no link": (orjson.dumps({name: report[name] for name in report if name != "link_id"}), good),
    }


@pytest.mark.asyncio
async def test_invalid_intake_records_become_dead_letters_and_no_click_is_lost(chain: Chain) -> None:
    settings, dead = chain.sandbox.settings, 0
    topic = settings.topic_prefix + "intake.clicks"
    before = len(await read_topic(settings, "intake.clicks.dead"))
    producer = AIOKafkaProducer(acks="all", **client_options(settings))
    await producer.start()
    try:
        async with chain.load() as load:
            for _ in range(3):
                for value, headers in invalid_records(chain.shop).values():
                    await load.wait_for_more(5)
                    await producer.send_and_wait(
                        topic,
                        value,
                        b"any",
                        headers=list(headers),
                        partition=dead % 4,
                    )
                    dead += 1
            await load.wait_for_more(100)
    finally:
        await producer.stop()
    waiting = 3  # the message of the other account may still be created, so these are held for ten minutes
    await until_equal(lambda: _new_dead_letters(chain, before), dead - waiting)
    held = await fetch(chain.sandbox.database("tracking"), "DELETE FROM held RETURNING state")
    assert [row["state"] for row in held] == ["waiting"] * waiting
    letters = (await read_topic(settings, "intake.clicks.dead"))[before:]
    assert {dict(letter.headers)["dead_topic"] for letter in letters} == {b"intake.clicks"}
    assert all(dict(letter.headers)["dead_reason"] for letter in letters)
    await check_every_click_counted_once(chain.sandbox, chain.shop)


@pytest.mark.asyncio
async def test_only_records_of_the_contact_on_which_the_code_fails_are_held(sandbox: Sandbox) -> None:
    await ensure_topics(sandbox.settings)
    poisoned, contacts = 7, list(range(1, 101))
    worker = sandbox.service(
        "labeling", "worker", module="tests.faults.counting", PENCHANT_FAILS_ON_CONTACT=str(poisoned)
    )
    writer = ClickWriter(sandbox.settings)
    await asyncio.to_thread(worker.start)
    for _ in range(3):
        await writer.write(clicks_of(contacts * 3, LABELS))
    expected = dict.fromkeys(contacts, 9)
    await until_equal(partial(_counts, sandbox), {contact: n for contact, n in expected.items() if contact != poisoned})
    held = await fetch(sandbox.database("labeling"), "SELECT contact_id, state FROM held")
    assert {tuple(row) for row in held} == {(poisoned, "failed")}
    assert len(held) == 9
    # Once the code is fixed, an operator replays the held records.
    worker.terminate()
    fixed = sandbox.service("labeling", "worker", module="tests.faults.counting")
    await asyncio.to_thread(fixed.start)
    operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    async with httpx.AsyncClient(timeout=30, headers=operator) as http:
        answer = await http.post(f"{fixed.url}/v1/labeling-held-records/replay", json={})
    assert answer.json() == {"released": 9}
    await until_equal(partial(_counts, sandbox), expected)
    assert await fetch(sandbox.database("labeling"), "SELECT FROM held") == []


@pytest.mark.asyncio
async def test_an_invalid_record_on_a_contact_topic_holds_only_its_contact(sandbox: Sandbox) -> None:
    await ensure_topics(sandbox.settings)
    contacts = list(range(1, 41))
    worker = sandbox.service("labeling", "worker", module="tests.faults.counting")
    await asyncio.to_thread(worker.start)
    writer = ClickWriter(sandbox.settings)
    await writer.write(clicks_of(contacts, LABELS))
    key, number = b"1:8", partition_of(1, 8, sandbox.partitions)
    value, good = _record(9_000)
    bad: list[tuple[bytes | None, Headers]] = [
        (b"[", good),
        (None, good),
        (value, [(name, b"\xff" if name == "ce_id" else content) for name, content in good]),
        (value, [(name, b"penchant.ContactClicked.v7" if name == "ce_type" else content) for name, content in good]),
        (value, [(name, content) for name, content in good if name != "ce_sequence"]),
        (b"{}", good),
    ]
    producer = AIOKafkaProducer(acks="all", **client_options(sandbox.settings))
    await producer.start()
    try:
        for sequence, (content, headers) in enumerate(bad, 9_000):
            numbered = [(n, b"%020d" % sequence if n == "ce_sequence" else c) for n, c in headers]
            topic = sandbox.settings.topic_prefix + "tracking.clicks"
            await producer.send_and_wait(topic, content, key, number, headers=numbered)
    finally:
        await producer.stop()
    writer.sequence = 10_000
    await writer.write(clicks_of(contacts, LABELS))
    await until_equal(partial(_counts, sandbox), {**dict.fromkeys(contacts, 2), 8: 1})
    held = await fetch(sandbox.database("labeling"), "SELECT account_id, contact_id, state FROM held ORDER BY id")
    assert [tuple(row) for row in held] == [(1, 8, "failed")] * (len(bad) + 1)


def _record(sequence: int) -> tuple[bytes, Headers]:
    click = next(clicks_of([8], LABELS))
    return body_of(click), headers_of(
        click.type(), click.event_id, "/tracking", click.occurred_at, sequence, {}, None, None, None
    )


async def _counts(sandbox: Sandbox) -> dict[int, int]:
    rows = await fetch(sandbox.database("labeling"), "SELECT contact_id, sum(clicks) AS clicks FROM counts GROUP BY 1")
    return {row["contact_id"]: int(row["clicks"]) for row in rows}


async def _new_dead_letters(chain: Chain, before: int) -> int:
    return len(await read_topic(chain.sandbox.settings, "intake.clicks.dead")) - before
