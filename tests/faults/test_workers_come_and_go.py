"""Workers are added and removed under load, and receive SIGTERM in the middle of a batch."""

import asyncio

import pytest

from tests.faults.chain import Chain
from tests.faults.checks import fetch

ENDS_WITHIN = 10.0  # seconds, on a busy machine

IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
    AND application_name = 'penchant'
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
async def test_every_click_counts_once_while_workers_are_added_and_removed(chain: Chain) -> None:
    async with chain.load() as load:
        for service in ("labeling", "tracking"):
            more = [chain.sandbox.service(service, "worker") for _ in range(2)]
            for process in more:
                process.start(ready=False)
            for process in more:
                await asyncio.to_thread(process.wait_ready)
            await load.wait_for_more(200)
            assert [await asyncio.to_thread(process.terminate) for process in more] == [0, 0]
    await chain.check()


@pytest.mark.asyncio
async def test_sigterm_ends_a_worker_in_time_and_leaves_no_open_transaction(chain: Chain) -> None:
    async with chain.load(per_second=600) as load:
        for worker in (chain.labeling, chain.tracking):
            await load.wait_for_more(300)
            began = asyncio.get_running_loop().time()
            assert await asyncio.to_thread(worker.terminate) == 0
            assert asyncio.get_running_loop().time() - began < ENDS_WITHIN
            worker.start(ready=False)
        await load.wait_for_more(200)
    await chain.check()
    assert (await fetch(chain.sandbox.database("labeling"), IN_TRANSACTION))[0][0] == 0
