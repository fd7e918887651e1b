"""Workflow: processed events, started runs, timers that are due together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from uuid_utils.compat import uuid7

from services.workflow.app import SERVICE
from services.workflow.domain.reading import read_definition, write_definition
from services.workflow.store import definitions
from services.workflow.store.definitions import StoredWorkflow
from shared.bus.connection import client_options
from shared.bus.topics import ensure_topics
from shared.events.codec import body_of, headers_of
from shared.events.envelope import CatalogEvent, ContactEvent
from shared.events.labeling import ContactChanged, LabelAssigned
from shared.events.parts import LabelReference, Origin
from shared.events.topics import CATALOG_PARTITION, partition_of
from shared.events.tracking import ContactClicked
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.bench.clicks import ClickWriter, clicks_of
from tests.bench.figure import Figure
from tests.bench.place import PARTITIONS, Place, Sandbox
from tests.bench.progress import LOOK_EVERY, WITHIN, execute, rate_until
from tests.services.workflow.events import CATS, DOGS, GUIDE
from tests.services.workflow.rig import label, message
from tests.stack.processes import ServiceProcess

CLICKS = 120_000
RUNS = 60_000
TIMERS = 10_000
PER_SECOND, SECONDS = 500, 10
WORKFLOWS = 100
AT_ONCE = 2_000  # records of one partition between two acknowledgements

SEND = {"send": {"message": str(GUIDE)}}
NURTURED = {"assign_label": {"label": str(CATS)}}
ON_DOGS = {"on": "LabelAssigned", "label": str(DOGS)}
COUNT_RUNS = "SELECT count(*) FROM runs"
COUNT_WAITING_RUNS = "SELECT count(*) FROM runs WHERE state = 'running'"
COUNT_FINISHED_RUNS = "SELECT count(*) FROM runs WHERE state = 'finished'"
SET_DUE_AT = "UPDATE runs SET due_at = $1 WHERE state = 'running'"
STARTS_WITHIN = timedelta(seconds=15)


async def run(place: Place) -> list[Figure]:
    """Run each measurement with its own topics and database, by a worker process with its relay."""
    evaluated = await _measure_clicks(place)
    started = await _measure_starts(place)
    timers = await _measure_timers(place)
    delays = sorted(await _measure_delays(place))
    return [
        Figure(f"workflow: clicks looked at, {WORKFLOWS} active workflows", evaluated, "events/s", 15_000),
        Figure("workflow: runs started, two steps each, with the start of the process", started, "runs/s", 3_000),
        Figure(f"workflow: {TIMERS:,} timers that are due together", timers, "s", 5, better="lower"),
        Figure(
            f"workflow: click to message, {PER_SECOND} clicks/s, median",
            delays[len(delays) // 2],
            "ms",
            200,
            better="lower",
        ),
        Figure(
            f"workflow: click to message, {PER_SECOND} clicks/s, p99",
            delays[len(delays) * 99 // 100],
            "ms",
            1_000,
            better="lower",
        ),
    ]


async def _measure_clicks(place: Place) -> float:
    with place.sandbox() as sandbox:
        labels = [LabelReference(id=uuid7(), name=f"Label {number}") for number in range(WORKFLOWS)]
        clicks = [{"on": "ContactClicked", "label": str(one.id)} for one in labels]
        # Three of the hundred workflows match a third of the clicks each, and evaluate the contact's clicks.
        condition = {"clicks": {"label": str(labels[0].id), "at_least": 1000}}
        workflows = [
            definition_of([trigger], [SEND], condition=condition if number < 3 else None)
            for number, trigger in enumerate(clicks)
        ]
        dsn = await prepare_database(sandbox, workflows, [label(one.id) for one in labels])
        contacts = [1 + number % (CLICKS // 2) for number in range(CLICKS)]
        total = await ClickWriter(sandbox.settings).write(clicks_of(contacts, labels[:3]))
        async with _worker(sandbox, dsn):
            return await rate_until(dsn, total)


async def _measure_starts(place: Place) -> float:
    with place.sandbox() as sandbox:
        dsn = await prepare_database(sandbox, [definition_of([ON_DOGS], [SEND, NURTURED])])
        known, labelled = _contacts(RUNS), _assignments(RUNS)
        await write(sandbox, known)
        async with _worker(sandbox, dsn):
            await rate_until(dsn, RUNS)
        await write(sandbox, labelled)
        began = monotonic()
        async with _worker(sandbox, dsn):
            await _wait_for_number(dsn, COUNT_RUNS, RUNS)
            return RUNS / (monotonic() - began)


async def _measure_timers(place: Place) -> float:
    with place.sandbox() as sandbox:
        dsn = await prepare_database(sandbox, [definition_of([ON_DOGS], [{"wait": {"days": 1}}, SEND])])
        await write(sandbox, [*_contacts(TIMERS), *_assignments(TIMERS)])
        async with _worker(sandbox, dsn):
            await rate_until(dsn, TIMERS, COUNT_WAITING_RUNS)
        due = datetime.now(UTC) + STARTS_WITHIN
        await execute(dsn, SET_DUE_AT, due)
        async with _worker(sandbox, dsn) as worker:
            await asyncio.to_thread(worker.wait_ready)
            left = (due - datetime.now(UTC)).total_seconds()
            assert left > 0, "the worker was not ready in time"
            await asyncio.sleep(left)
            return await _wait_for_number(dsn, COUNT_FINISHED_RUNS, TIMERS)


async def _wait_for_number(dsn: str, query: str, wanted: int) -> float:
    """Wait until the query returns at least `wanted`; return the seconds."""
    began = monotonic()
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(WITHIN):
            while await connection.fetchval(query) < wanted:  # noqa: ASYNC110 (a table sends no notification)
                await asyncio.sleep(LOOK_EVERY)
            return monotonic() - began
    finally:
        await connection.close()


async def _measure_delays(place: Place) -> list[float]:
    """Return the milliseconds from a click's acknowledgement to its message's arrival at an outside consumer."""
    with place.sandbox() as sandbox:
        trigger = {"on": "ContactClicked", "message": str(GUIDE)}
        dsn = await prepare_database(sandbox, [definition_of([trigger], [SEND])])
        await write(sandbox, _contacts(50 + PER_SECOND * SECONDS))  # nothing is sent to unknown contacts
        prefix = sandbox.prefix
        consumer = AIOKafkaConsumer(f"{prefix}workflow.messages", **client_options(sandbox.settings))
        producer = AIOKafkaProducer(acks="all", **client_options(sandbox.settings))
        async with _worker(sandbox, dsn), consumer, producer:
            await consumer.seek_to_end()
            # The first clicks are not measured, because they wait until the worker has started.
            first, measured = range(1, 51), range(51, 51 + PER_SECOND * SECONDS)
            await click(producer, sandbox, first)
            await arrivals(consumer, first)
            arriving = asyncio.create_task(arrivals(consumer, measured))
            clicked = await click(producer, sandbox, measured)
            arrived = await arriving
        return [(arrived[contact] - clicked[contact]) * 1000 for contact in measured]


async def arrivals(consumer: AIOKafkaConsumer, contacts: range) -> dict[int, float]:
    """Return when the first messages of these contacts arrived."""
    arrived: dict[int, float] = {}
    async with asyncio.timeout(WITHIN):
        while len(arrived) < len(contacts):
            record = await consumer.getone()
            contact = int(record.key.split(b":")[1])
            if contact in contacts:
                arrived.setdefault(contact, monotonic())
    return arrived


async def click(
    producer: AIOKafkaProducer, sandbox: Sandbox, contacts: range, per_second: int = PER_SECOND
) -> dict[int, float]:
    """Click once for each contact; return when each was acknowledged."""
    clicked: dict[int, float] = {}
    began = monotonic()
    sending: list[asyncio.Task[None]] = []

    async def send(sequence: int, event: ContactClicked) -> None:
        await (await _send(producer, sandbox, event.topic, (1 + event.contact_id) % PARTITIONS, sequence, event))
        clicked[event.contact_id] = monotonic()

    for number, contact in enumerate(contacts):
        await asyncio.sleep(max(0.0, began + number / per_second - monotonic()))
        [event] = clicks_of([contact], [LabelReference(id=DOGS, name="Dogs")], message_id=GUIDE)
        sending.append(asyncio.create_task(send(contact, event)))
    await asyncio.gather(*sending)
    return clicked


def definition_of(
    triggers: list[dict[str, Any]], steps: list[dict[str, Any]], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a definition as it is stored."""
    body = {"name": "Measured", "triggers": triggers, "steps": steps}
    return write_definition(read_definition(body | ({"condition": condition} if condition else {})))


def _contacts(contacts: int) -> Sequence[ContactEvent]:
    now = datetime.now(UTC)
    return [
        ContactChanged(
            occurred_at=now, account_id=1, contact_id=contact, external_id=str(contact), email=None,
            fields={"city": "Gent"}, state="active", subscription="subscribed", tracking_consent="granted",
        )
        for contact in range(1, contacts + 1)
    ]  # fmt: skip


def _assignments(contacts: int) -> Sequence[ContactEvent]:
    now = datetime.now(UTC)
    return [
        LabelAssigned(
            occurred_at=now, account_id=1, contact_id=contact, label_id=DOGS, label_name="Dogs",
            origin=Origin(kind="click"),
        )
        for contact in range(1, contacts + 1)
    ]  # fmt: skip


async def prepare_database(sandbox: Sandbox, workflows: list[dict[str, Any]], more: Sequence[CatalogEvent] = ()) -> str:
    """Write active workflows into a new database, and the catalog to the topics; return the database's DSN."""
    await ensure_topics(sandbox.settings)
    dsn = sandbox.database()
    database = await Database.open(dsn, PARTITIONS)
    await database.migrate([SERVICE.migrations])
    async with database.pool.acquire() as connection:
        await extend_event_tables(connection)
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        for body in workflows:
            revision, at = await definitions.next_revision(work.connection)
            draft = StoredWorkflow(uuid7(), 1, "Measured", 1, "draft", at, at, body)
            await definitions.insert(work.connection, draft, revision)
            active = draft._replace(state="active")
            await definitions.change(work.connection, active, revision, new_version=False)
    await database.close()
    await write(sandbox, [label(DOGS), label(CATS), message(GUIDE), *more])
    return dsn


async def write(sandbox: Sandbox, events: Sequence[ContactEvent | CatalogEvent]) -> None:
    """Write events to their topics, with sequences, partition by partition."""
    producer = AIOKafkaProducer(acks="all", compression_type="zstd", **client_options(sandbox.settings))
    await producer.start()
    try:
        lanes: dict[tuple[str, int], list[Any]] = {}
        for sequence, event in enumerate(events, 1):
            number = 0
            if isinstance(event, ContactEvent):
                number = partition_of(event.account_id, event.contact_id, PARTITIONS)
            lanes.setdefault((event.topic, number), []).append((sequence, event))
        for (topic, number), lane in lanes.items():
            for start in range(0, len(lane), AT_ONCE):
                await asyncio.gather(
                    *[await _send(producer, sandbox, topic, number, *one) for one in lane[start : start + AT_ONCE]]
                )
    finally:
        await producer.stop()


async def _send(
    producer: AIOKafkaProducer,
    sandbox: Sandbox,
    topic: str,
    partition: int,
    sequence: int,
    event: Any,
) -> Any:
    headers = headers_of(
        event.type(), event.event_id, "/bench", event.occurred_at, sequence, {}, str(event.event_id), None, None
    )
    return await producer.send(
        sandbox.prefix + topic, key=event.key.encode(), value=body_of(event), partition=partition, headers=headers
    )


@asynccontextmanager
async def _worker(sandbox: Sandbox, dsn: str) -> AsyncIterator[ServiceProcess]:
    environment = {"PENCHANT_WORKFLOW_DATABASE": dsn}
    worker = sandbox.process("services.workflow", "PENCHANT_WORKFLOW_PORT", environment, "--role", "worker")
    worker.start(ready=False)
    try:
        yield worker
    finally:
        # The worker leaves the consumer group at once, so that the next worker can start at once.
        worker.terminate()
