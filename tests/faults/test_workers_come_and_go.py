"""Workers added and removed under load; SIGTERM in the middle of a batch."""

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
async def test_workers_that_come_and_go_share_the_work(chain: Chain) -> None:
    async with chain.load() as load:
        for service in ("labeling", "tracking"):
            more = [chain.sandbox.service(service, "worker") for _ in range(2)]
            for process in more:
                process.start(ready=False)
            for process in more:
                await asyncio.to_thread(process.wait_ready)
            await load.reached(200)
            assert [await asyncio.to_thread(process.terminate) for process in more] == [0, 0]
    await chain.check()


@pytest.mark.asyncio
async def test_sigterm_in_the_middle_of_a_batch_is_clean_and_quick(chain: Chain) -> None:
    async with chain.load(per_second=600) as load:
        for worker in (chain.labeling, chain.tracking):
            await load.reached(300)
            began = asyncio.get_running_loop().time()
            assert await asyncio.to_thread(worker.terminate) == 0
            assert asyncio.get_running_loop().time() - began < ENDS_WITHIN
            worker.start(ready=False)
        await load.reached(200)
    await chain.check()
    assert (await fetch(chain.sandbox.database("labeling"), IN_TRANSACTION))[0][0] == 0
