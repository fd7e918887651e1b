"""Facts of contacts, folded from the topics, to compare with what a service has stored."""

from typing import Any
from zoneinfo import ZoneInfo

import orjson

from services.workflow.consumers.handler import TOPICS
from services.workflow.domain.facts import StoredFacts
from tests.services.workflow.rig import Rig

ZONE = ZoneInfo("Europe/Brussels")


async def facts_of_topics(rig: Rig) -> dict[int, dict[str, Any]]:
    """Return the facts of every contact. Records at or below the highest sequence seen are skipped."""
    found: dict[int, StoredFacts] = {}
    for topic in TOPICS:
        highest: dict[int, int] = {}
        for record in await rig.read(topic):
            partition = record.event.contact_id % rig.settings.partitions
            if record.sequence > highest.get(partition, 0):
                highest[partition] = record.sequence
                found.setdefault(record.event.contact_id, StoredFacts()).apply(record.event, ZONE)
    return {contact: without_order(facts.raw) for contact, facts in found.items()}


async def stored_facts(rig: Rig, projection: int) -> dict[int, dict[str, Any]]:
    """Return the facts of every contact in a projection."""
    query = "SELECT contact_id, facts FROM contacts WHERE projection = $1"
    rows = await rig.database.pool.fetch(query, projection)
    return {row["contact_id"]: without_order(orjson.loads(row["facts"])) for row in rows}


def without_order(raw: dict[str, Any]) -> dict[str, Any]:
    """Return facts with clicks and engagements sorted: topics are interleaved differently each time."""
    return {name: sorted(value, key=str) if name in ("c", "e") else value for name, value in raw.items()}
