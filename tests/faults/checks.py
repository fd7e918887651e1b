"""What must be true in the end: in the databases, and on the topics."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from tests.faults.load import Interest, Load
from tests.stack.ground import Ground
from tests.stack.topics import read_topic
from tests.stack.waiting import until_equal

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
WRITTEN = "SELECT partition, position, event_id FROM events WHERE topic = $1 ORDER BY partition, position"


async def fetch(dsn: str, question: str, *arguments: object) -> list[asyncpg.Record]:
    """The rows, on a connection of its own; asks again while the server is away."""
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
            try:
                rows: list[asyncpg.Record] = await connection.fetch(question, *arguments)
                return rows
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, TimeoutError):
            await asyncio.sleep(0.2)


async def interests_counted(ground: Ground, account_id: int) -> Counter[Interest]:
    """What labeling has counted."""
    rows = await fetch(ground.database("labeling"), COUNTED, account_id)
    assert all(row["held"] for row in rows)
    return Counter({(row["contact_id"], row["label_id"]): row["clicks"] for row in rows if row["clicks"]})


async def clicks_counted(ground: Ground, account_id: int) -> Counter[Interest]:
    """What tracking has taken, by contact and link."""
    rows = await fetch(ground.database("tracking"), CLICKED, account_id)
    return Counter({(row["contact_id"], row["link_id"]): row["clicks"] for row in rows})


async def all_is_counted(
    ground: Ground, load: Load, within: float = 90.0, also_held: Collection[Interest] = ()
) -> None:
    """Every click of `load` was taken and counted once, everything is published, and the topics tell the same.

    `also_held` are contacts and labels that came otherwise.
    """
    await labels_are_counted(ground, load.account_id, load.interests, within, also_held)
    assert await clicks_counted(ground, load.account_id) == load.clicks


async def labels_are_counted(
    ground: Ground,
    account_id: int,
    interests: Mapping[Interest, int],
    within: float = 90.0,
    also_held: Collection[Interest] = (),
) -> None:
    """Labeling has counted exactly `interests` in the account; the topics are what was written, and tell the same."""
    await until_equal(lambda: interests_counted(ground, account_id), Counter(interests), within)
    for service in ("tracking", "labeling"):
        await until_equal(partial(_unpublished, ground.database(service)), 0, within)
    assert await interests_counted(ground, account_id) == interests
    await topic_is_the_event_table(ground, "tracking", "tracking.clicks")
    events = await topic_is_the_event_table(ground, "labeling", "labeling.labels")
    told = Counter(
        (event["contact_id"], UUID(event["label_id"])) for event in events if event["account_id"] == account_id
    )
    assert told == Counter(dict.fromkeys({*interests, *also_held}, 1)), "one LabelAssigned for each assignment"
    for service in ("tracking", "labeling"):
        assert await fetch(ground.database(service), "SELECT * FROM held") == []


async def _unpublished(dsn: str) -> int:
    rows = await fetch(dsn, UNPUBLISHED)
    return int(rows[0][0])


async def topic_is_the_event_table(ground: Ground, service: str, topic: str) -> list[dict[str, Any]]:
    """A consumer that passes over sequences it has seen gets exactly the events that were written, in their order."""
    seen: dict[int, int] = {}
    told = []
    events = []
    for record in await read_topic(ground.settings, topic):
        headers = dict(record.headers)
        sequence = int(headers["ce_sequence"])
        if sequence <= seen.get(record.partition, 0):
            continue
        seen[record.partition] = sequence
        told.append((record.partition, sequence, UUID(headers["ce_id"].decode())))
        events.append(orjson.loads(record.value))
    rows = await fetch(ground.database(service), WRITTEN, topic)
    assert told == [(row["partition"], row["position"], row["event_id"]) for row in rows]
    return events
