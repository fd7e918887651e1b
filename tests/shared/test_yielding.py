"""Long work leaves room for other tasks."""

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest

from shared.yielding import HOLDS_FOR, yielding


def slow(pieces: int) -> Iterator[int]:
    """Return numbers, each after as long as the event loop may be blocked."""
    for number in range(pieces):
        end = monotonic() + HOLDS_FOR
        while monotonic() <= end:
            pass
        yield number


@pytest.mark.asyncio
async def test_others_have_their_turn_after_each_piece_that_holds_the_loop_long_enough() -> None:
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
