"""Labeling: clicks to labels, counts, history and events, by one worker; the baselines are programs without history."""

import asyncpg

from services.labeling.app import SERVICE
from shared.bus.topics import ensure_topics
from shared.store.database import Database
from tests.bench import quix
from tests.bench.clicks import ClickWriter, clicks_of
from tests.bench.figure import Figure
from tests.bench.place import PARTITIONS, Place, Sandbox
from tests.bench.progress import APPLIED, PUBLISHED, execute, rate_until
from tests.bench.runtime_cost import DELETE_CHECKPOINTS, TAKE_RELAY_LEASE, bare_speeds, mostly_new
from tests.faults.cast import LABELS

CLICKS = 60_000
EVENTS = CLICKS * 9 // 10


async def run(place: Place) -> list[Figure]:
    """Measure nine of ten clicks new, not relayed; then none new; then nine of ten new, relayed."""
    with place.sandbox() as sandbox:
        await ensure_topics(sandbox.settings)
        total = await ClickWriter(sandbox.settings).write(clicks_of(mostly_new(CLICKS), LABELS))
        bare = await bare_speeds(sandbox, total)
        counted = await quix.clicks_per_second(sandbox, CLICKS)
        dsn = await _prepare_database(sandbox)
        await execute(dsn, TAKE_RELAY_LEASE)
        new = await _measure_worker(sandbox, dsn, total)
        await execute(dsn, DELETE_CHECKPOINTS)
        known = await _measure_worker(sandbox, dsn, total)
        relayed = await _measure_worker(sandbox, await _prepare_database(sandbox), EVENTS, PUBLISHED) * total / EVENTS
    script = "bare script, without a history"
    return [
        Figure("labeling: clicks, 9 of 10 new, not relayed", new, "clicks/s", 35_000, bare.new, script),
        Figure("labeling: clicks, 9 of 10 new, relayed", relayed, "clicks/s", 20_000, bare.published, script),
        Figure("labeling: clicks, 9 of 10 new, relayed, beside another library", relayed, "clicks/s", None, counted,
            "Quix Streams, exactly once, no history, no SQL", goal_ratio=1.0),
        Figure("labeling: clicks, nothing new", known, "clicks/s", 60_000, bare.known, script),
    ]  # fmt: skip


async def _prepare_database(sandbox: Sandbox) -> str:
    """Return a database with an account and the labels that the clicks carry."""
    dsn = sandbox.database()
    database = await Database.open(dsn, PARTITIONS)
    await database.migrate([SERVICE.migrations])
    await database.close()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("INSERT INTO accounts (name, time_zone) VALUES ('Bench', 'UTC')")
        await connection.executemany(
            "INSERT INTO labels (label_id, account_id, name, name_key, visibility) VALUES ($1, 1, $2, $2, 'public')",
            [(label.id, label.name) for label in LABELS],
        )
    finally:
        await connection.close()
    return dsn


async def _measure_worker(sandbox: Sandbox, dsn: str, end: int, query: str = APPLIED) -> float:
    worker = sandbox.process(
        "services.labeling", "PENCHANT_LABELING_PORT", {"PENCHANT_LABELING_DATABASE": dsn}, "--role", "worker"
    )
    worker.start(ready=False)
    try:
        return await rate_until(dsn, end, query)
    finally:
        worker.end()
