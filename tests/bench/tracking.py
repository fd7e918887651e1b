"""Tracking: reported clicks to events on `tracking.clicks`, by one worker, relayed; the baseline is a bare script."""

import asyncio
import sys
from contextlib import suppress

from tests.bench.figure import Figure
from tests.bench.intake import write_intake
from tests.bench.place import PARTITIONS, Place
from tests.bench.progress import PUBLISHED, execute, rate_until, select_number
from tests.stack.processes import ROOT
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop
from tests.stack.waiting import until_equal

CONTACTS = 10_000
CLICKS = 100_000
COUNT_CONTACTS = "SELECT count(*) FROM contacts WHERE account_id = $1"


async def run(place: Place) -> list[Figure]:
    """Measure from the first record read to the last one acknowledged."""
    sandbox = place.service_sandbox()
    try:
        api, worker = sandbox.service("tracking", "api"), sandbox.service("tracking", "worker")
        labeling = sandbox.service("labeling")
        for process in (api, worker, labeling):
            process.start(ready=False)
        for process in (api, worker, labeling):
            await asyncio.to_thread(process.wait_ready)
        shop = await Shop.open(labeling.url, api.url, CONTACTS)
        dsn = sandbox.database("tracking")
        await until_equal(lambda: select_number(dsn, COUNT_CONTACTS, shop.account_id), CONTACTS)
        for process in (api, worker, labeling):
            process.terminate()
        await write_intake(sandbox.settings, shop, [shop.contacts[number % CONTACTS] for number in range(CLICKS)])
        bare = await _measure_bare(sandbox)
        start = await select_number(dsn, "SELECT last_value FROM events_position")
        # The worker reads all topics again: records of contacts that are already applied change nothing, and the first
        # new checkpoint shows that it has started.
        await execute(dsn, "DELETE FROM checkpoints")
        worker.start(ready=False)
        rate = await rate_until(dsn, start + CLICKS, PUBLISHED, start)
    finally:
        sandbox.clear()
    return [
        Figure("tracking: intake.clicks to tracking.clicks", rate, "clicks/s", 20_000, bare,
            "bare script: no lookups, verdicts or counts")
    ]  # fmt: skip


async def _measure_bare(sandbox: Sandbox) -> float:
    dsn = sandbox.empty_database("bare")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.bare_intake", sandbox.settings.kafka, dsn, sandbox.prefix, str(PARTITIONS),
        str(CLICKS), cwd=ROOT,
    )  # fmt: skip
    try:
        return await rate_until(dsn, CLICKS)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
