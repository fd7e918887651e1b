"""A worker is stopped while another one takes over its partitions, and then resumes."""

import asyncio
from functools import partial

import httpx
import pytest

from tests.faults.chain import Chain
from tests.faults.checks import all_is_counted, fetch
from tests.faults.wire import Wire
from tests.stack.topics import members_of_groups
from tests.stack.waiting import until

GOES_ON_WITHIN = 15.0  # seconds

IN_A_COPY = """
SELECT activity.pid FROM pg_stat_activity AS activity
WHERE datname = current_database() AND query LIKE 'COPY%' AND state = 'active' AND wait_event = 'ClientRead'
    AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pg_locks.pid = activity.pid)
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
async def test_a_stopped_worker_that_continues_after_another_took_over_changes_nothing(chain: Chain) -> None:
    for zombie in (chain.labeling, chain.tracking):
        service = "labeling" if zombie is chain.labeling else "tracking"
        other = chain.sandbox.service(service, "worker")
        async with chain.load() as load:
            await load.reached(200)
            await asyncio.to_thread(other.start)
            await load.reached(100)
            zombie.pause()
            await until(partial(_alone, chain, service))
            await load.reached(600)
            zombie.resume()
            await load.reached(300)
        await chain.check()
        other.terminate()
        await asyncio.to_thread(zombie.wait_ready)


@pytest.mark.asyncio
async def test_a_worker_stopped_in_the_middle_of_a_copy_holds_nobody_up_for_long(chain: Chain) -> None:
    dsn = chain.sandbox.database("labeling")
    chain.labeling.terminate()
    label = next(iter(chain.shop.labels.values()))
    items = [{"contact_id": contact, "label_id": str(label), "held": True} for contact in chain.shop.contacts]
    async with Wire(dsn) as wire:
        worker = chain.sandbox.service("labeling", "worker", PENCHANT_LABELING_DATABASE=wire.dsn)
        await asyncio.to_thread(worker.start)
        async with chain.load(per_second=600) as load:
            await wire.stop_in_a_copy()
            worker.pause()
            (holder,) = await until(lambda: fetch(dsn, IN_A_COPY))
            began = asyncio.get_running_loop().time()
            # The process that needs the partition number waits for the lock, and ends the transaction that holds it.
            async with httpx.AsyncClient(timeout=30, headers=chain.shop.headers) as http:
                answer = await http.post(f"{chain.labeling_api.url}/v1/assignments", json=items)
                while answer.status_code == 503:
                    answer = await http.post(f"{chain.labeling_api.url}/v1/assignments", json=items)
            assert answer.status_code == 200, answer.text
            assert asyncio.get_running_loop().time() - began < GOES_ON_WITHIN
            assert not await fetch(dsn, "SELECT FROM pg_stat_activity WHERE pid = $1", holder["pid"])
            worker.resume()
            wire.go_on()
            await load.reached(300)
        also_held = {(contact, label) for contact in chain.shop.contacts}
        await all_is_counted(chain.sandbox, chain.shop, also_held=also_held)
        await asyncio.to_thread(worker.terminate)


async def _alone(chain: Chain, service: str) -> bool:
    """Return whether the groups of the service have removed a member."""
    members = await members_of_groups(chain.sandbox.settings, service)
    return bool(members) and set(members.values()) == {1}
