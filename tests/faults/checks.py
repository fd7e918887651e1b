"""Checks of the databases and the topics after a fault."""

import asyncio
from collections import Counter
from collections.abc import Collection
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop
from tests.stack.topics import read_topic
from tests.stack.waiting import until_equal

Interest = tuple[int, UUID]  # contact, label

COUNTED = """
SELECT assignment.contact_id, label.label_id, assignment.clicks, assignment.held
FROM assignments AS assignment JOIN labels AS label USING (label_no)
WHERE label.account_id = $1
"""
CLICKED = """
SELECT click.contact_id, link.link_id, count(*) AS clicks
FROM clicks AS click
JOIN messages AS message USING (message_no)
JOIN links AS link ON link.message_id = message.message_id AND link.number = click.link_number
WHERE click.account_id = $1
GROUP BY click.contact_id, link.link_id
"""
UNPUBLISHED = """
SELECT count(*) FROM events JOIN publications USING (partition) WHERE events.position > publications.position
"""
CHECKPOINTS = "SELECT consumer, topic, partition, next_offset, sequence FROM checkpoints"
HELD = "SELECT state, reason, count(*) FROM held GROUP BY state, reason"
SESSIONS = """
SELECT pid, state, wait_event_type, wait_event, clock_timestamp() - state_change AS since, left(query, 80)
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
WRITTEN = "SELECT partition, position, event_id FROM events WHERE topic = $1 ORDER BY partition, position"


async def fetch(dsn: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Fetch rows over a new connection; retry while the server is unavailable."""
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
            try:
                rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
                return rows
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, TimeoutError):
            await asyncio.sleep(0.2)


async def interests_counted(sandbox: Sandbox, account_id: int) -> Counter[Interest]:
    """Return labeling's number of clicks by contact and label."""
    rows = await fetch(sandbox.database("labeling"), COUNTED, account_id)
    assert all(row["held"] for row in rows)
    return Counter({(row["contact_id"], row["label_id"]): row["clicks"] for row in rows if row["clicks"]})


async def clicks_counted(sandbox: Sandbox, account_id: int) -> Counter[Interest]:
    """Return tracking's number of clicks by contact and link."""
    rows = await fetch(sandbox.database("tracking"), CLICKED, account_id)
    return Counter({(row["contact_id"], row["link_id"]): row["clicks"] for row in rows})


async def check_every_click_counted_once(
    sandbox: Sandbox, shop: Shop, within: float = 90.0, also_held: Collection[Interest] = ()
) -> None:
    """Check that every click was accepted and counted once, and that the topics agree with the databases.

    `also_held` has the contact and the label of each assignment that was made without a click.
    """
    try:
        await until_equal(lambda: interests_counted(sandbox, shop.account_id), shop.interests, within)
    except AssertionError:
        print(await progress_of_services(sandbox))  # noqa: T201 - pytest shows it if the test fails
        raise
    for service in ("tracking", "labeling"):
        await until_equal(partial(_unpublished, sandbox.database(service)), 0, within)
    assert await interests_counted(sandbox, shop.account_id) == shop.interests
    assert await clicks_counted(sandbox, shop.account_id) == shop.clicks
    await check_topic_equals_event_table(sandbox, "tracking", "tracking.clicks")
    events = await check_topic_equals_event_table(sandbox, "labeling", "labeling.labels")
    published = Counter(
        (event["contact_id"], UUID(event["label_id"])) for event in events if event["account_id"] == shop.account_id
    )
    assert published == Counter(dict.fromkeys({*shop.interests, *also_held}, 1)), (
        "one LabelAssigned for each assignment"
    )
    for service in ("tracking", "labeling"):
        assert await fetch(sandbox.database(service), "SELECT FROM held WHERE state = 'failed'") == []


async def _unpublished(dsn: str) -> int:
    rows = await fetch(dsn, UNPUBLISHED)
    return int(rows[0][0])


async def distinct_events(sandbox: Sandbox, topic: str) -> list[tuple[tuple[int, int, UUID], dict[str, Any]]]:
    """Return the events on a topic as (partition, sequence, id) and body, without repeated sequences.

    The body also has the header `ce_type`.
    """
    seen: dict[int, int] = {}
    events = []
    for record in await read_topic(sandbox.settings, topic):
        headers = dict(record.headers)
        sequence = int(headers["ce_sequence"])
        if sequence <= seen.get(record.partition, 0):
            continue
        seen[record.partition] = sequence
        event = orjson.loads(record.value) | {"ce_type": headers["ce_type"].decode()}
        events.append(((record.partition, sequence, UUID(headers["ce_id"].decode())), event))
    return events


async def check_topic_equals_event_table(sandbox: Sandbox, service: str, topic: str) -> list[dict[str, Any]]:
    """Check that the topic, without repeated sequences, has exactly the events of the event table, in order."""
    events = await distinct_events(sandbox, topic)
    rows = await fetch(sandbox.database(service), WRITTEN, topic)
    assert [published for published, _ in events] == [
        (row["partition"], row["position"], row["event_id"]) for row in rows
    ]
    return [event for _, event in events]


async def progress_of_services(sandbox: Sandbox) -> str:
    """Return the position of every consumer and relay, and the end of each process's log."""
    lines = []
    for service in sandbox.databases:
        dsn = sandbox.database(service)
        lines += [f"{service} checkpoint: {tuple(row.values())}" for row in await fetch(dsn, CHECKPOINTS)]
        lines.append(f"{service} unpublished: {await _unpublished(dsn)}")
        lines += [f"{service} held: {tuple(row.values())}" for row in await fetch(dsn, HELD)]
        lines += [f"{service} lease: {tuple(row.values())}" for row in await fetch(dsn, "SELECT * FROM relay_lease")]
        lines += [f"{service} session: {tuple(row.values())}" for row in await fetch(dsn, SESSIONS)]
    for topic in ("intake.clicks", "tracking.clicks", "labeling.labels"):
        on_topic = Counter(record.partition for record in await read_topic(sandbox.settings, topic))
        lines.append(f"{topic}: {sorted(on_topic.items())}")
    for process in sandbox.processes:
        lines.append(f"--- {process.log.name}, running: {process.running}\n{process.tail(3000)}")
    return "\n".join(lines)
