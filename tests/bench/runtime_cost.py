"""The cost of the runtime: a worker and the bare script process the same records with the same statements."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass

from shared.bus.topics import ensure_topics
from shared.store.database import Database
from tests.bench.clicks import ClickWriter, clicks_of
from tests.bench.figure import Figure
from tests.bench.place import PARTITIONS, Place, Sandbox
from tests.bench.progress import APPLIED, PUBLISHED, execute, rate_until
from tests.faults.cast import LABELS
from tests.faults.counting.app import SERVICE
from tests.stack.processes import ROOT

CLICKS = 60_000
TAKE_RELAY_LEASE = "UPDATE relay_lease SET renewed_at = 'infinity'"  # no relay is elected
DELETE_CHECKPOINTS = "DELETE FROM checkpoints"


@dataclass(frozen=True)
class Speeds:
    """Clicks per second: nine of ten new; none new; nine of ten new, and published."""

    new: float
    known: float
    published: float


def mostly_new(count: int = CLICKS) -> list[int]:
    """Return the contacts of `count` clicks. With 3 labels in turn, every tenth click repeats an earlier one."""
    return [1 + (number - 9 if number % 10 == 9 else number) for number in range(count)]


async def run(place: Place) -> list[Figure]:
    """Measure without the relay, with nothing new, and with the relay, for the bare script and for the runtime."""
    with place.sandbox() as sandbox:
        await ensure_topics(sandbox.settings)
        total = await ClickWriter(sandbox.settings).write(clicks_of(mostly_new(), LABELS))
        bare = await bare_speeds(sandbox, total)
        counting = await _worker_speeds(sandbox, total)
    return [
        Figure("runtime: clicks, 9 of 10 new, not relayed", counting.new, "clicks/s", 35_000, bare.new,
            "bare script", goal_ratio=0.8),
        Figure("runtime: clicks, 9 of 10 new, relayed", counting.published, "clicks/s", 20_000, bare.published,
            "bare script that sends what it wrote"),
        Figure("runtime: clicks, nothing new", counting.known, "clicks/s", 60_000, bare.known,
            "bare script", goal_ratio=0.8),
    ]  # fmt: skip


async def bare_speeds(sandbox: Sandbox, total: int) -> Speeds:
    dsn = sandbox.database()
    new = await _measure_bare(sandbox, dsn, total)
    await execute(dsn, DELETE_CHECKPOINTS)
    known = await _measure_bare(sandbox, dsn, total)
    published = await _measure_bare(sandbox, sandbox.database(), total, "--publish")
    return Speeds(new, known, published)


async def _measure_bare(sandbox: Sandbox, dsn: str, total: int, *options: str) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.bare", sandbox.settings.kafka, dsn, sandbox.prefix, str(PARTITIONS),
        str(total), *options, cwd=ROOT,
    )  # fmt: skip
    try:
        return await rate_until(dsn, total)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _worker_speeds(sandbox: Sandbox, total: int) -> Speeds:
    dsn = await _prepare_database(sandbox)
    await execute(dsn, TAKE_RELAY_LEASE)
    new = await _measure_worker(sandbox, dsn, total)
    await execute(dsn, DELETE_CHECKPOINTS)
    known = await _measure_worker(sandbox, dsn, total)
    # Nine of ten clicks append an event; the tenth is processed together with them.
    events = total * 9 // 10
    published = await _measure_worker(sandbox, await _prepare_database(sandbox), events, PUBLISHED) * 10 / 9
    return Speeds(new, known, published)


async def _measure_worker(sandbox: Sandbox, dsn: str, end: int, query: str = APPLIED) -> float:
    environment = {"PENCHANT_LABELING_DATABASE": dsn}
    worker = sandbox.process("tests.faults.counting", "PENCHANT_LABELING_PORT", environment, "--role", "worker")
    worker.start(ready=False)
    try:
        return await rate_until(dsn, end, query)
    finally:
        worker.end()


async def _prepare_database(sandbox: Sandbox) -> str:
    dsn = sandbox.database()
    database = await Database.open(dsn, PARTITIONS)
    await database.migrate([SERVICE.migrations])
    await database.close()
    return dsn
