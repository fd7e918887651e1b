"""Facts of contacts, computed from the topics, to compare with the facts that a service has stored."""

from typing import Any
from zoneinfo import ZoneInfo

import orjson

from services.workflow.consumers.handler import TOPICS
from services.workflow.domain.facts import StoredFacts
from tests.services.workflow.rig import Rig

ZONE = ZoneInfo("Europe/Brussels")


async def facts_of_topics(rig: Rig) -> dict[int, dict[str, Any]]:
    """Return the facts of every contact, without records at or below the highest sequence seen."""
    found: dict[int, StoredFacts] = {}
    for topic in TOPICS:
        highest: dict[int, int] = {}
        for record in await rig.read(topic):
            partition = record.event.contact_id % rig.settings.partitions
            if record.sequence > highest.get(partition, 0):
                highest[partition] = record.sequence
                found.setdefault(record.event.contact_id, StoredFacts()).apply(record.event, ZONE)
    return {contact: with_sorted_lists(facts.raw) for contact, facts in found.items()}


async def stored_facts(rig: Rig, projection: int) -> dict[int, dict[str, Any]]:
    """Return the facts of every contact in a projection."""
    query = "SELECT contact_id, facts FROM contacts WHERE projection = $1"
    rows = await rig.database.pool.fetch(query, projection)
    return {row["contact_id"]: with_sorted_lists(orjson.loads(row["facts"])) for row in rows}


def with_sorted_lists(raw: dict[str, Any]) -> dict[str, Any]:
    """Sort clicks and engagements, because the order between topics differs in each run."""
    return {name: sorted(value, key=str) if name in ("c", "e") else value for name, value in raw.items()}
