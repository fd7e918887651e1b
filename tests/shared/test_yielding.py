"""Other tasks run during long iterations."""

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest

from shared.yielding import HOLDS_FOR, yielding


def slow(pieces: int) -> Iterator[int]:
    """Yield numbers; block the event loop before each for as long as it may be held."""
    for number in range(pieces):
        end = monotonic() + HOLDS_FOR
        while monotonic() <= end:
            pass
        yield number


@pytest.mark.asyncio
async def test_other_tasks_run_after_each_item_that_holds_the_loop_for_too_long() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    assert [number async for number in yielding(slow(5))] == list(range(5))
    task.cancel()
    assert turns == 5
