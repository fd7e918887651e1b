"""A large batch of contacts yields to the event loop regularly."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from services.labeling.use_cases.upserts import UpsertRow, upsert_contacts
from shared.metrics import REGISTRY
from shared.runtime.loop_watch import LoopWatch
from tests.services.labeling.shop import BY_API, Shop

CONTACTS = 5_000
# Modules that loop over all rows, all contacts of a unit of work, or all their labels.
MODULES = ("domain.directory", "use_cases.upserts", "use_cases.contact_changes", "use_cases.assignment_changes")


def holds() -> dict[str, float]:
    """Return how often each function of these modules has blocked the event loop."""
    return {
        sample.labels["where"]: sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "penchant_event_loop_holds_total"
        and sample.labels["where"].startswith(tuple(f"services.labeling.{module}:" for module in MODULES))
    }


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Disable garbage collection, which would block the loop by scanning the objects of all earlier tests."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def rows(shop: Shop, **more: Any) -> list[UpsertRow]:
    labels = tuple(shop.labels.values())
    return [
        UpsertRow("upsert", {"email": f"contact{number}@shop.example", "external_id": f"c{number}", **more}, labels)
        for number in range(CONTACTS)
    ]


@pytest.mark.asyncio
async def test_no_loop_over_a_large_batch_holds_the_event_loop(shop: Shop) -> None:
    before = holds()
    watching = asyncio.create_task(LoopWatch().run())
    with without_garbage_collection():
        made = await upsert_contacts(shop.database, shop.account_id, rows(shop), BY_API)
        changed = await upsert_contacts(shop.database, shop.account_id, rows(shop, fields={"city": "Gent"}), BY_API)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert (made.created, changed.updated) == (CONTACTS, CONTACTS)
    assert holds() == before


@pytest.mark.asyncio
async def test_rows_with_many_labels_are_cut_into_small_units(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.labeling.use_cases.upserts.MOST_WRITES", 50)
    some = rows(shop)[:200]
    result = await upsert_contacts(shop.database, shop.account_id, some, BY_API)
    assert result.created == len(some)
    held = await shop.database.pool.fetchval("SELECT count(*) FROM assignments WHERE held")
    assert held == len(some) * len(shop.labels)
    units = await shop.database.pool.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM contacts WHERE account_id = $1", shop.account_id
    )
    most_rows = 50 // (1 + len(shop.labels))
    assert units >= len(some) // most_rows
