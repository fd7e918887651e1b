"""The cost of 20, 100 and 500 clicks a second with all four services: commits, processor time, latency."""

import asyncio
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

import asyncpg
import psutil

from tests.bench.figure import Figure
from tests.bench.latency import click_at_rate, define_segments_and_workflow, plain_kafka_delays, quantile
from tests.bench.place import Place
from tests.faults.chain import SEND
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop

TOPICS = {
    "LabelAssigned": "labeling.labels",
    "SegmentEntered": "segmentation.memberships",
    "MessageRequested": "workflow.messages",
}
SECONDS = 10
WARM_UP = 100  # clicks that are not counted
STATISTICS_DELAY = 1.5  # seconds after which PostgreSQL has counted every commit
# Goals: commits a second, cores, and milliseconds at the median and p99.
GOALS: Mapping[int, Mapping[str, float]] = {
    20: {},
    100: {"commits": 200, "cores": 0.4, "LabelAssigned": 80, "SegmentEntered": 100, "MessageRequested": 150},
    500: {"commits": 250, "cores": 0.7, "LabelAssigned": 100, "SegmentEntered": 120, "MessageRequested": 200},
}
GOALS_P99: Mapping[int, Mapping[str, float]] = {
    20: {},
    100: {},
    500: {"LabelAssigned": 250, "SegmentEntered": 300, "MessageRequested": 600},
}


class Usage(NamedTuple):
    """The resources used since a process or server started."""

    commits: int
    seconds: Mapping[str, float]  # of processor time, by service, and of PostgreSQL


async def run(place: Place) -> list[Figure]:
    """Measure the idle stack, and each rate in turn; every click is the first of its contact."""
    async with place.services() as (sandbox, services):
        tracking, labeling = services["tracking"], services["labeling"]
        counts = [WARM_UP + rate * SECONDS for rate in GOALS]
        shop = await Shop.open(labeling.url, tracking.url, sum(counts))
        await define_segments_and_workflow(shop, services["segmentation"].url, services["workflow"].url)
        tokens = await shop.tokens(tracking.url, SEND, shop.contacts)
        idle = await _idle(sandbox, services)
        rows = [Figure("all services at rest, commits", idle, "1/s", better="lower")]
        start = 0
        for rate, count in zip(GOALS, counts, strict=True):
            rows += await _measure_rate(rate, sandbox, services, shop, tokens[start : start + count], idle)
            start += count
        return rows


async def _idle(sandbox: Sandbox, services: Mapping[str, ServiceProcess]) -> float:
    before, began = await _usage(sandbox, services), perf_counter()
    await asyncio.sleep(SECONDS)
    return ((await _usage(sandbox, services)).commits - before.commits) / (perf_counter() - began)


async def _measure_rate(
    rate: int,
    sandbox: Sandbox,
    services: Mapping[str, ServiceProcess],
    shop: Shop,
    tokens: Sequence[dict[str, object]],
    idle: float,
) -> list[Figure]:
    plain = await plain_kafka_delays(sandbox.settings, rate)
    before, began = await _usage(sandbox, services), perf_counter()
    delays = await click_at_rate(
        sandbox, services["tracking"].port, shop, tokens, list(TOPICS.values()), rate, warm_up=WARM_UP
    )
    took = perf_counter() - began
    after = await _usage(sandbox, services)
    name, goals, goals_p99 = f"all services, {rate} clicks/s", GOALS[rate], GOALS_P99[rate]
    used = {part: (seconds - before.seconds.get(part, 0.0)) / took for part, seconds in after.seconds.items()}
    rows = [
        Figure(f"{name}, commits", (after.commits - before.commits) / took, "1/s", goals.get("commits"),
            idle, "at rest", better="lower"),
        Figure(f"{name}, processor time", sum(used.values()), "cores", goals.get("cores"), better="lower"),
        *[Figure(f"{name}, processor time of {part}", cores, "cores", better="lower") for part, cores in used.items()],
    ]  # fmt: skip
    for event, event_delays in zip(TOPICS, delays, strict=True):
        for words, part, goal in (("median", 0.5, goals.get(event)), ("p99", 0.99, goals_p99.get(event))):
            rows.append(
                Figure(f"{name}, click to {event}, {words}", quantile(event_delays, part), "ms", goal,
                    quantile(plain, part), "one record through Kafka", better="lower")
            )  # fmt: skip
    return rows


async def _usage(sandbox: Sandbox, services: Mapping[str, ServiceProcess]) -> Usage:
    await asyncio.sleep(STATISTICS_DELAY)
    names = [dsn.rpartition("/")[2] for dsn in sandbox.databases.values()]
    connection = await asyncpg.connect(sandbox.database("labeling"))
    try:
        commits = await connection.fetchval(
            "SELECT sum(xact_commit)::bigint FROM pg_stat_database WHERE datname = ANY($1::text[])", names
        )
        backends = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE datname = ANY($1::text[])", names)
    finally:
        await connection.close()
    seconds = {name: _seconds(process.pid) for name, process in services.items()}
    seconds["PostgreSQL"] = sum(_seconds(row["pid"]) for row in backends)
    return Usage(commits, seconds)


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
