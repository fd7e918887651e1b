"""A worker is paused while another one takes over its partitions, and then resumed."""

import asyncio
from functools import partial

import httpx
import pytest

from tests.faults.chain import Chain
from tests.faults.checks import check_every_click_counted_once, fetch
from tests.faults.wire import Wire
from tests.stack.topics import members_of_groups
from tests.stack.waiting import until

UNBLOCKED_WITHIN = 15.0  # seconds

IN_A_COPY = """
SELECT activity.pid FROM pg_stat_activity AS activity
WHERE datname = current_database() AND query LIKE 'COPY%' AND state = 'active' AND wait_event = 'ClientRead'
    AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pg_locks.pid = activity.pid)
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
async def test_a_worker_resumed_after_a_takeover_changes_nothing(chain: Chain) -> None:
    for zombie in (chain.labeling, chain.tracking):
        service = "labeling" if zombie is chain.labeling else "tracking"
        other = chain.sandbox.service(service, "worker")
        async with chain.load() as load:
            await load.wait_for_more(200)
            await asyncio.to_thread(other.start)
            await load.wait_for_more(100)
            zombie.pause()
            await until(partial(_has_one_member, chain, service))
            await load.wait_for_more(600)
            zombie.resume()
            await load.wait_for_more(300)
        await chain.check()
        other.terminate()
        await asyncio.to_thread(zombie.wait_ready)


@pytest.mark.asyncio
async def test_the_session_of_a_worker_paused_during_a_copy_is_terminated(chain: Chain) -> None:
    dsn = chain.sandbox.database("labeling")
    chain.labeling.terminate()
    label = next(iter(chain.shop.labels.values()))
    items = [{"contact_id": contact, "label_id": str(label), "held": True} for contact in chain.shop.contacts]
    async with Wire(dsn) as wire:
        worker = chain.sandbox.service("labeling", "worker", PENCHANT_LABELING_DATABASE=wire.dsn)
        await asyncio.to_thread(worker.start)
        async with chain.load(per_second=600) as load:
            await wire.stop_during_copy()
            worker.pause()
            (holder,) = await until(lambda: fetch(dsn, IN_A_COPY))
            began = asyncio.get_running_loop().time()
            # The API waits for the lock of the partition number, and terminates the session that holds it.
            async with httpx.AsyncClient(timeout=30, headers=chain.shop.headers) as http:
                answer = await http.post(f"{chain.labeling_api.url}/v1/assignments", json=items)
                while answer.status_code == 503:
                    answer = await http.post(f"{chain.labeling_api.url}/v1/assignments", json=items)
            assert answer.status_code == 200, answer.text
            assert asyncio.get_running_loop().time() - began < UNBLOCKED_WITHIN
            assert not await fetch(dsn, "SELECT FROM pg_stat_activity WHERE pid = $1", holder["pid"])
            worker.resume()
            wire.resume()
            await load.wait_for_more(300)
        also_held = {(contact, label) for contact in chain.shop.contacts}
        await check_every_click_counted_once(chain.sandbox, chain.shop, also_held=also_held)
        await asyncio.to_thread(worker.terminate)


async def _has_one_member(chain: Chain, service: str) -> bool:
    """Return whether only one process is left in each consumer group of the service."""
    members = await members_of_groups(chain.sandbox.settings, service)
    return bool(members) and set(members.values()) == {1}
