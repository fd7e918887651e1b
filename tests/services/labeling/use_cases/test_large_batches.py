"""A large batch of contacts yields to the event loop regularly."""

import asyncio
import sys
from types import FrameType
from typing import Any

import pytest

from services.labeling.use_cases.upserts import UpsertRow, upsert_contacts
from tests.services.labeling.shop import BY_API, Shop

CONTACTS = 1_000
# Modules that loop over all rows, all contacts of a unit of work, or all their labels.
MODULES = frozenset(
    f"services.labeling.{name}"
    for name in (
        "domain.directory",
        "use_cases.upserts",
        "domain.assignment_changes",
        "use_cases.contact_changes",
        "use_cases.assignment_changes",
    )
)
# A few comprehensions over all rows do not yield: about ten lines per row, milliseconds for the largest unit of work.
# If no loop yields, a row takes more than fifty lines.
MOST_LINES = 15 * CONTACTS


class LinesBetweenTurns:
    """Counts the lines of some modules that run between two turns of the event loop; time is not measured."""

    def __init__(self) -> None:
        self.most = 0
        self.since = 0

    def trace(self, frame: FrameType, event: str, _: object) -> Any:  # the signature that sys.settrace requires
        if event == "call":
            return self.trace if frame.f_globals.get("__name__") in MODULES else None
        if event == "line":
            self.since += 1
            self.most = max(self.most, self.since)
        return self.trace

    async def take_turns(self) -> None:
        """Reset the count at each turn of the event loop."""
        while True:
            self.since = 0
            await asyncio.sleep(0)


async def lines_between_turns(shop: Shop, **more: Any) -> int:
    """Write the contacts with `more` in each row; return the most lines that ran between two turns."""
    lines = LinesBetweenTurns()
    turns = asyncio.create_task(lines.take_turns())
    traced = sys.gettrace()
    sys.settrace(lines.trace)
    try:
        result = await upsert_contacts(shop.database, shop.account_id, rows(shop, **more), BY_API)
    finally:
        sys.settrace(traced)
        turns.cancel()
        await asyncio.gather(turns, return_exceptions=True)
    assert result.created + result.updated == CONTACTS
    return lines.most


def rows(shop: Shop, **more: Any) -> list[UpsertRow]:
    labels = tuple(shop.labels.values())
    return [
        UpsertRow("upsert", {"email": f"contact{number}@shop.example", "external_id": f"c{number}", **more}, labels)
        for number in range(CONTACTS)
    ]


@pytest.mark.asyncio
async def test_every_loop_over_a_large_batch_yields(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.yielding.HOLDS_FOR", -1)  # after every item
    assert await lines_between_turns(shop) < MOST_LINES
    assert await lines_between_turns(shop, fields={"city": "Gent"}) < MOST_LINES


@pytest.mark.asyncio
async def test_the_count_of_lines_detects_loops_that_never_yield(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.yielding.HOLDS_FOR", float("inf"))
    assert await lines_between_turns(shop) > 2 * MOST_LINES


@pytest.mark.asyncio
async def test_rows_with_many_labels_are_split_into_small_units_of_work(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
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
