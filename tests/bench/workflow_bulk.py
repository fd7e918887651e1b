"""Workflow with many runs: statistics of steps, and processing of existing contacts while others click."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.workflow.settings import WorkflowSettings
from shared.bus.connection import client_options
from shared.events.labeling import AccountChanged
from shared.http.keys import generate
from tests.bench.figure import Figure
from tests.bench.latency import quantile
from tests.bench.place import PARTITIONS, Place, Sandbox
from tests.bench.size import contacts
from tests.bench.workflow import ON_DOGS, SEND, arrivals, click, definition_of, prepare_database
from tests.services.workflow.events import DOGS, GUIDE, now
from tests.services.workflow.rig import key, label
from tests.stack.processes import ServiceProcess
from tests.stack.waiting import until

RUNS = contacts(200_000)
EXISTING = min(contacts(60_000), 100_000)  # the rate is the same for more
PROJECTION: int = WorkflowSettings.model_fields["workflow_projection"].default
REQUESTS = 50
CLICKS_PER_SECOND = 50
WARM_UP, CLICKS = 50, 500  # the first clicks are not measured, because processes are starting
WITHIN = 300 + RUNS / 500  # seconds

# Every run has passed the first step and waits at the second one, or has ended after it.
WRITE_RUNS = """
INSERT INTO runs (
    run_id, workflow_id, version, account_id, contact_id, partition, state, step_id, since, due_at, steps_taken, taken,
    trigger_type, trigger_event, trigger_occurred_at, trigger_recorded_at, depth, started_at, cause_event, trigger_body
)
SELECT
    gen_random_uuid(), $1, 1, 1, number, (number + 1) % $2::integer,
    CASE WHEN number % 4 = 0 THEN 'running' ELSE 'finished' END, CASE WHEN number % 4 = 0 THEN 'wait' END, now(),
    CASE WHEN number % 4 = 0 THEN now() + interval '9 days' END, 1, '{}', 'LabelAssigned', gen_random_uuid(), now(),
    now(), 0, now(), '', ''
FROM generate_series(1, $3::integer) AS number
"""
WRITE_STEPS = """
INSERT INTO run_steps (run_id, number, step_id, kind, at, result, cause_event)
SELECT run_id, 1, 'guide', 'send', now(), '{"idempotency_key": "any"}', '' FROM runs
UNION ALL
SELECT run_id, 2, 'wait', 'wait', now(), '{}', '' FROM runs WHERE state = 'finished'
"""
WRITE_COUNTS = (
    "INSERT INTO run_counts (workflow_id, partition, state, number) "
    "SELECT workflow_id, partition, state, count(*) FROM runs GROUP BY workflow_id, partition, state",
    "INSERT INTO step_counts "
    "(workflow_id, step_id, partition, passed, waiting, sent, not_sent, clicked, went_then, went_else) "
    "SELECT workflow_id, 'guide', partition, count(*), 0, count(*), 0, 0, 0, 0 "
    "FROM runs GROUP BY workflow_id, partition",
)
COUNT_RUNS = """
SELECT step.step_id, count(*), count(*) FILTER (WHERE step.result::jsonb ? 'idempotency_key')
FROM run_steps AS step JOIN runs AS run USING (run_id)
WHERE run.workflow_id = $1
GROUP BY step.step_id
"""
# The facts of subscribed contacts, as the fold writes them. The first of them hold a label.
WRITE_CONTACTS = """
INSERT INTO contacts (projection, account_id, contact_id, partition, facts, segments)
SELECT
    $5::integer, 1, number, (number + 1) % $1::integer,
    convert_to(
        '{"k":1,"i":' || number || ',"a":{"subscription":"subscribed"},"d":739000,"s":"subscribed","f":{}'
        || CASE WHEN number <= $3::integer THEN ',"l":{"' || $2::text || '":739000}' ELSE '' END || '}', 'UTF8'
    ), '{}'
FROM generate_series(1, $4::integer) AS number
"""


async def run(place: Place) -> list[Figure]:
    """Measure the statistics of steps, then the processing of existing contacts."""
    return [*await _measure_statistics(place), *await _measure_existing(place)]


@asynccontextmanager
async def _service(sandbox: Sandbox, dsn: str, api_key: str) -> AsyncIterator[tuple[ServiceProcess, httpx.AsyncClient]]:
    environment = {"PENCHANT_WORKFLOW_DATABASE": dsn}
    process = sandbox.process("services.workflow", "PENCHANT_WORKFLOW_PORT", environment)
    await asyncio.to_thread(process.start)
    headers = {"Authorization": f"Bearer {api_key}"}
    async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=60) as http:
        yield process, http


def _account(api_key: str) -> list[Any]:
    account = AccountChanged(occurred_at=now(), account_id=1, account_name="Bench", time_zone="UTC")
    return [account, key(api_key), label(DOGS)]


async def _measure_statistics(place: Place) -> list[Figure]:
    steps: list[dict[str, Any]] = [SEND | {"id": "guide"}, {"id": "wait", "wait": {"days": 9}}]
    api_key = generate()
    with place.sandbox() as sandbox:
        dsn = await prepare_database(sandbox, [definition_of([ON_DOGS], steps)], _account(api_key))
        connection = await asyncpg.connect(dsn)
        try:
            workflow_id: UUID = await connection.fetchval("SELECT workflow_id FROM workflows")
            await connection.execute(WRITE_RUNS, workflow_id, PARTITIONS, RUNS)
            await connection.execute(WRITE_STEPS)
            for statement in WRITE_COUNTS:
                await connection.execute(statement)
            await connection.execute("VACUUM (ANALYZE) runs")
            await connection.execute("VACUUM (ANALYZE) run_steps")
            began = perf_counter()
            await connection.fetch(COUNT_RUNS, workflow_id)
            counted = (perf_counter() - began) * 1000
        finally:
            await connection.close()
        async with _service(sandbox, dsn, api_key) as (_, http):
            took = await _request_times(http, f"/v1/workflows/{workflow_id}/steps")
    name = f"workflow: statistics of the steps of {RUNS:,} runs"
    return [Figure(name, quantile(took, 0.5), "ms", baseline=counted, baseline_of="counting the runs", better="lower")]


async def _request_times(http: httpx.AsyncClient, path: str) -> Sequence[float]:
    took = []
    for _ in range(REQUESTS):
        began = perf_counter()
        items = (await http.get(path)).raise_for_status().json()["items"]
        took.append(perf_counter() - began)
        assert items[0]["sent"] == RUNS, items
    return took


async def _measure_existing(place: Place) -> list[Figure]:
    """Click first alone, then while existing holders of a label are processed; each click requests a message."""
    on_click = definition_of([{"on": "ContactClicked", "message": str(GUIDE)}], [SEND])
    api_key = generate()
    with place.sandbox() as sandbox:
        dsn = await prepare_database(sandbox, [on_click], _account(api_key))
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=1)
        total = EXISTING + 2 * (WARM_UP + CLICKS)
        await pool.execute(WRITE_CONTACTS, PARTITIONS, DOGS.hex, EXISTING, total, PROJECTION)
        consumer = AIOKafkaConsumer(f"{sandbox.prefix}workflow.messages", **client_options(sandbox.settings))
        producer = AIOKafkaProducer(acks="all", **client_options(sandbox.settings))
        async with pool, _service(sandbox, dsn, api_key) as (_, http), consumer, producer:
            await consumer.seek_to_end()
            alone = await _delays(sandbox, producer, consumer, EXISTING)
            body = {"name": "Everybody", "triggers": [ON_DOGS | {"include_existing": True}], "steps": [SEND]}
            path = f"/v1/workflows/{(await http.post('/v1/workflows', json=body)).raise_for_status().json()['id']}"
            (await http.post(f"{path}/activate")).raise_for_status()
            processing = asyncio.create_task(_seconds_until_started(pool, UUID(path.rpartition("/")[2])))
            meanwhile = await _delays(sandbox, producer, consumer, EXISTING + WARM_UP + CLICKS)
            rate = EXISTING / await processing
    return [
        Figure(f"workflow: {EXISTING:,} existing contacts taken, while others click", rate, "runs/s"),
        Figure(f"workflow: click to message meanwhile, {CLICKS_PER_SECOND} clicks/s, p99", quantile(meanwhile, 0.99),
            "ms", 1_000, quantile(alone, 0.99), "without them", better="lower"),
    ]  # fmt: skip


async def _seconds_until_started(pool: "asyncpg.Pool[Any]", workflow_id: UUID) -> float:
    """Return the seconds until a run of every existing contact has started."""
    began = perf_counter()
    await until(lambda: _all_started(pool, workflow_id), WITHIN)
    return perf_counter() - began


async def _all_started(pool: "asyncpg.Pool[Any]", workflow_id: UUID) -> bool:
    counted = "SELECT coalesce(sum(number), 0)::bigint FROM run_counts WHERE workflow_id = $1"
    number: int = await pool.fetchval(counted, workflow_id)
    return number >= EXISTING


async def _delays(
    sandbox: Sandbox, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, after: int
) -> Sequence[float]:
    """Return the seconds from click to message, of contacts with ids above `after`, without the first clicks."""
    clicking = range(after + 1, after + 1 + WARM_UP + CLICKS)
    arriving = asyncio.create_task(arrivals(consumer, clicking))
    clicked = await click(producer, sandbox, clicking, CLICKS_PER_SECOND)
    arrived = await arriving
    return [arrived[contact] - clicked[contact] for contact in clicking[WARM_UP:]]
