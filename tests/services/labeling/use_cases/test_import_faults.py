"""Imports have exact results although their workers are killed at random times."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from services.labeling.store.imports import Import
from services.labeling.use_cases import import_check, import_run, import_undo
from services.labeling.use_cases.imports import check_import, start_import, undo_import
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.uploads import Limits
from shared.jobs import lease, runner
from shared.jobs.runner import JobRunner
from tests.services.labeling.importing import SUBSCRIBED, latest, uploaded
from tests.services.labeling.shop import Shop
from tests.shared.jobs.counting import Published

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(400)]
CONTACTS = 24
WITHIN = 120  # seconds; most of the time is spent waiting for leases to expire
SHORT = timedelta(seconds=0.5)


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_check, "READ_SIZE", 300)
    monkeypatch.setattr(import_run, "SETTLE_BATCH_SIZE", 25)
    monkeypatch.setattr(import_run, "APPLY_BATCH_SIZE", 4)
    monkeypatch.setattr(import_undo, "UNDO_BATCH_SIZE", 4)
    monkeypatch.setattr(lease, "LEASE", SHORT)
    monkeypatch.setattr(runner, "LEASE", SHORT)
    monkeypatch.setattr(runner, "MOST_TAKEOVERS", 1000)


async def run_and_kill(shop: Shop, imports: list[Import], state: str, dice: random.Random) -> None:
    """Run jobs in two workers, each killed repeatedly, until all imports have the state."""

    async def keep_leases(_self: Any, _job: Any) -> None:
        """Do nothing: a killed worker does not release its leases."""

    async def worker() -> None:
        while True:
            jobs = JobRunner(shop.database, Published(), kinds(Limits()))
            jobs._give_up = keep_leases.__get__(jobs)  # type: ignore[method-assign]
            running = asyncio.create_task(jobs.run())
            done, _ = await asyncio.wait({running}, timeout=dice.uniform(0.05, 3.0))
            assert not done, running.exception()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    workers = [asyncio.create_task(worker()) for _ in range(2)]
    try:
        async with asyncio.timeout(WITHIN):
            while {(await latest(shop, one)).state for one in imports} != {state}:
                await asyncio.sleep(0.02)
                assert not any(worker.done() for worker in workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_imports_of_the_same_rows_have_exact_results_despite_kills(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    lines = [f'p{number}@example.com,City {number},"Dogs, Cats"' for number in range(CONTACTS)]
    content = "\n".join(["email,city,labels", *lines, "wrong,x,Dogs", "p1@example.com,Again,"]).encode()
    imports = [await uploaded(shop, content), await uploaded(shop, content)]
    for one in imports:
        await check_import(shop.database, shop.account_id, one.id, {}, SUBSCRIBED, {})
    await run_and_kill(shop, imports, "checked", dice)
    for one in imports:
        summary = (await latest(shop, one)).summary
        assert summary is not None
        assert (summary["rows"], summary["create"], summary["errors"]) == (CONTACTS + 2, CONTACTS, 1)
        await start_import(shop.database, shop.account_id, one.id)
    await run_and_kill(shop, imports, "done", dice)
    results = [(await latest(shop, one)).result or {} for one in imports]
    assert sum(result["created"] for result in results) == CONTACTS
    assert [sum(result.values()) for result in results] == [CONTACTS + 2, CONTACTS + 2]
    assert len(await shop.events("LabelAssigned")) == 2 * CONTACTS
    contacts = await shop.database.pool.fetchval("SELECT count(*) FROM contacts")
    assert contacts == CONTACTS

    for one in imports:
        await undo_import(shop.database, shop.account_id, one.id, erase_created=False)
    await run_and_kill(shop, imports, "undone", dice)
    assert len(await shop.events("LabelRemoved")) == 2 * CONTACTS
    undone = [(await latest(shop, one)).undo_result or {} for one in imports]
    assert sum(result["labels_removed"] for result in undone) == 2 * CONTACTS
