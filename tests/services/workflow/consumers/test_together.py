"""A unit of work executes as many statements for several partition numbers as for one."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import NamedTuple
from uuid import UUID

import pytest

from services.workflow.consumers.handler import WorkflowHandler
from shared.bus.lane import Fetched
from shared.bus.reading import read, received_of
from shared.bus.received import Received
from shared.events.codec import body_of, headers_of
from shared.events.envelope import ContactEvent
from shared.events.topics import partition_of
from tests.services.workflow.events import GUIDE, assigned, changed
from tests.services.workflow.rig import PARTITIONS, Rig
from tests.stack.plans import statements

SEQUENCES = count(1)
# Excludes the driver's own queries about types, once per connection.
OURS = {
    query.text: query.name
    for query in statements("workflow", ("backlog", "contacts", "counts", "definitions", "occurrences", "runs"))
}
ALL = range(PARTITIONS)
STEPS = ({"send": {"message": str(GUIDE)}}, {"wait": {"days": 1}}, {"send": {"message": str(GUIDE)}})


class Record(NamedTuple):
    """A record as the broker returns it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]


async def batch(*events: ContactEvent) -> list[Received]:
    """Return events as the bus passes them, one partition number after the other."""
    fetched: list[Fetched] = []
    for event in sorted(events, key=number_of):
        sequence = next(SEQUENCES)
        headers = headers_of(event.type(), event.event_id, "/test", event.occurred_at, sequence, {}, None, None, None)
        record = Record(event.topic, number_of(event), sequence, event.key.encode(), body_of(event), [*headers])
        fetched.append((event.topic, record, dict(headers)))
    return received_of(await read("workflow", fetched))


def number_of(event: ContactEvent) -> int:
    return partition_of(event.account_id, event.contact_id, PARTITIONS)


class Unit:
    """Runs units of work of one handler; each returns the names of its statements."""

    def __init__(self, rig: Rig) -> None:
        self.handler = WorkflowHandler(rig.service.catalogs, clock=rig.clock)
        self.database = rig.database
        self.clock = rig.clock

    async def handle(self, *events: ContactEvent) -> list[str]:
        records, asked = await batch(*events), list[str]()
        async with self.database.unit_of_work(*{record.partition for record in records}) as work:
            with work.connection.query_logger(lambda query: asked.append(OURS.get(query.query, ""))):
                await self.handler.handle(work, records)
        return [name for name in asked if name]

    async def tick(self, *numbers: int) -> list[str]:
        asked = list[str]()
        async with self.database.unit_of_work(*numbers) as work:
            with work.connection.query_logger(lambda query: asked.append(OURS.get(query.query, ""))):
                await self.handler.tick_together(work, numbers, self.clock())
        return [name for name in asked if name]


@pytest.mark.asyncio
async def test_executes_the_same_statements_for_all_partition_numbers_as_for_one(rig: Rig) -> None:
    workflow = await rig.workflow(*STEPS)
    unit = Unit(rig)
    one, *others = range(7, 7 + 1 + PARTITIONS)
    assert {number_of(assigned(contact=contact)) for contact in others} == set(ALL)
    await unit.handle(*[changed(contact=contact) for contact in (one, *others)])
    of_one = await unit.handle(assigned(contact=one))
    assert of_one
    assert await unit.handle(*[assigned(contact=contact) for contact in others]) == of_one
    assert {run["state"] for run in await rig.runs(workflow)} == {"running"}

    rig.clock.ahead = timedelta(days=2)
    of_one = await unit.tick(number_of(assigned(contact=one)))
    assert await unit.tick(*ALL) == of_one
    runs = await rig.runs(workflow)
    assert [run["state"] for run in runs] == ["finished"] * (1 + PARTITIONS)


@pytest.mark.asyncio
async def test_a_backlog_in_one_partition_number_does_not_delay_the_others(rig: Rig) -> None:
    workflow = await rig.workflow(*STEPS)
    unit = Unit(rig)
    behind, current = sorted(range(7, 7 + PARTITIONS), key=lambda contact: number_of(assigned(contact=contact)))[:2]
    await unit.handle(*[changed(contact=contact) for contact in (behind, current)])
    await unit.database.pool.execute(
        "INSERT INTO backlog (workflow_id, partition, position) VALUES ($1, $2, 0)",
        UUID(workflow["id"]),
        number_of(assigned(contact=behind)),
    )
    await unit.handle(*[assigned(contact=contact) for contact in (behind, current)])
    assert [run["contact_id"] for run in await rig.runs(workflow)] == [current]
    await unit.tick(*ALL)
    assert sorted(run["contact_id"] for run in await rig.runs(workflow)) == sorted([behind, current])
