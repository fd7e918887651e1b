"""The delay of timers under load, from the moment when a run is due to its message at an outside consumer."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer

from shared.bus.connection import client_options
from tests.bench.figure import Figure
from tests.bench.latency import click_at_rate, define_segments_and_workflow, quantile
from tests.bench.place import Place
from tests.bench.progress import WITHIN, rate_until
from tests.faults.chain import SEND
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop

RATES = (100, 500)  # clicks a second
TIMERS = 1_000  # at each rate
AT_ONCE = 10_000  # contacts in a request
SECONDS = 20  # in which they become due, one after the other
LEAD, TAIL = 3, 1  # seconds of clicks before the first timer and after the last one
GOALS: Mapping[int, tuple[float | None, float | None]] = {100: (None, None), 500: (0.2, 2.0)}  # seconds, median and p99

WAITING = "SELECT count(*) FROM runs WHERE state = 'running'"
# PostgreSQL and this process are on one machine, and use the same clock.
MAKE_DUE = """
WITH due AS (
    UPDATE runs SET due_at = $2::timestamptz + place * $3::interval
    FROM unnest($1::bigint[]) WITH ORDINALITY AS c (contact_id, place)
    WHERE runs.contact_id = c.contact_id AND runs.state = 'running'
    RETURNING runs.contact_id, runs.due_at
)
SELECT contact_id, due_at FROM due
"""
WAKE = "SELECT pg_notify('workflow_due', '')"

Moments = Mapping[int, datetime]


async def run(place: Place) -> list[Figure]:
    """Make timers due one after the other at each rate of clicks; timers and clicks request messages."""
    async with place.services() as (sandbox, services):
        clicks = sum(RATES) * (LEAD + SECONDS + TAIL)
        shop = await Shop.open(services["labeling"].url, services["tracking"].url, TIMERS * len(RATES) + clicks)
        await define_segments_and_workflow(shop, services["segmentation"].url, services["workflow"].url)
        waiting = await _start_waiting_runs(sandbox, services, shop)
        clicking = iter(shop.contacts[TIMERS * len(RATES) :])
        rows: list[Figure] = []
        for rate in RATES:
            timers = list(islice(waiting, TIMERS))
            clickers = list(islice(clicking, rate * (LEAD + SECONDS + TAIL)))
            rows += await _measure_rate(rate, sandbox, services, shop, timers, clickers)
        return rows


async def _start_waiting_runs(sandbox: Sandbox, services: Mapping[str, ServiceProcess], shop: Shop) -> Iterator[int]:
    """Start a run for each of many contacts, which waits before it sends; return the contacts."""
    waiting = shop.contacts[: TIMERS * len(RATES)]
    label = shop.labels["Spring sale"]  # no clicked link has this label
    steps = [{"wait": {"days": 1}}, {"send": {"message": str(shop.message_id)}}]
    body = {"name": "Later", "triggers": [{"on": "LabelAssigned", "label": str(label)}], "steps": steps}
    workflows = f"{services['workflow'].url}/v1/workflows"
    async with httpx.AsyncClient(timeout=60, headers=shop.headers) as http:
        created = (await http.post(workflows, json=body)).raise_for_status().json()
        (await http.post(f"{workflows}/{created['id']}/activate")).raise_for_status()
        for first in range(0, len(waiting), AT_ONCE):
            some = waiting[first : first + AT_ONCE]
            rows = [{"contact_id": one, "label_id": str(label), "held": True} for one in some]
            (await http.post(f"{services['labeling'].url}/v1/assignments", json=rows)).raise_for_status()
    await rate_until(sandbox.database("workflow"), len(waiting), WAITING)
    return iter(waiting)


async def _measure_rate(
    rate: int,
    sandbox: Sandbox,
    services: Mapping[str, ServiceProcess],
    shop: Shop,
    timers: Sequence[int],
    clicking: Sequence[int],
) -> list[Figure]:
    tracking = services["tracking"]
    tokens = [
        token
        for first in range(0, len(clicking), AT_ONCE)
        for token in await shop.tokens(tracking.url, SEND, list(clicking[first : first + AT_ONCE]))
    ]
    due = await _make_due(sandbox.database("workflow"), timers, datetime.now(UTC) + timedelta(seconds=LEAD))
    consumer = AIOKafkaConsumer(f"{sandbox.prefix}workflow.messages", **client_options(sandbox.settings))
    async with consumer, asyncio.TaskGroup() as group:
        await consumer.seek_to_end()
        arriving = group.create_task(_arrivals(consumer, shop.account_id, due))
        await click_at_rate(sandbox, tracking.port, shop, tokens, ["workflow.messages"], rate)
    arrived = arriving.result()
    delays = [(arrived[contact] - moment).total_seconds() for contact, moment in due.items()]
    name = f"all services, {rate} clicks/s: {TIMERS // SECONDS} timers/s, due to MessageRequested"
    return [
        Figure(f"{name}, {statistic}", quantile(delays, part) / 1000, "s", goal, better="lower")
        for statistic, part, goal in zip(("median", "p99"), (0.5, 0.99), GOALS[rate], strict=True)
    ]


async def _make_due(dsn: str, contacts: Sequence[int], begin: datetime) -> Moments:
    """Make the runs of contacts due one after the other from `begin` on; return the due time of each."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(MAKE_DUE, contacts, begin, timedelta(seconds=SECONDS) / len(contacts))
        await connection.execute(WAKE)
    finally:
        await connection.close()
    assert len(rows) == len(contacts), "not all runs are waiting"
    return {row["contact_id"]: row["due_at"] for row in rows}


async def _arrivals(consumer: AIOKafkaConsumer, account_id: int, due: Moments) -> dict[int, datetime]:
    """Return when the first message of each contact arrived."""
    arrived: dict[int, datetime] = {}
    async with asyncio.timeout(WITHIN):
        while len(arrived) < len(due):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                now = datetime.now(UTC)
                for record in records:
                    account, _, contact = record.key.decode().partition(":")
                    if int(account) == account_id and int(contact) in due:
                        arrived.setdefault(int(contact), now)
    return arrived
