"""A waiting task is woken by its event, times out, and can be cancelled."""

import asyncio

import pytest

from shared.waking import woken_within

pytestmark = pytest.mark.asyncio


async def test_setting_the_event_wakes_the_task() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(woken_within(event, 60))
    await asyncio.sleep(0)
    event.set()
    assert await waiting


async def test_the_wait_times_out() -> None:
    assert not await woken_within(asyncio.Event(), 0.01)
    assert not await woken_within(asyncio.Event(), 0)


async def test_a_task_that_is_woken_and_cancelled_at_the_same_time_ends() -> None:
    event = asyncio.Event()
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        while True:
            await woken_within(event, 60)
            event.clear()
            rounds += 1

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    event.set()
    await asyncio.sleep(0)  # the wake-up is scheduled
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert rounds <= 1
