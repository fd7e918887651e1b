"""The longest time for which the event loop was blocked is measured, with the task that blocked it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from time import monotonic, sleep, thread_time

import pytest

from shared.metrics import REGISTRY
from shared.runtime.loop_watch import BLOCKED_AFTER, LoopWatch
from tests.stack.waiting import until


@asynccontextmanager
async def watching() -> AsyncIterator[LoopWatch]:
    watch = LoopWatch()
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def compute(seconds: float) -> None:
    end = thread_time() + seconds
    while thread_time() < end:
        pass


@pytest.mark.asyncio
async def test_a_hold_is_measured_and_counted_by_function() -> None:
    async with watching() as watch:
        compute(0.3)
        await until(lambda: watch.longest > 0.2)
    holds = REGISTRY.get_sample_value("penchant_event_loop_holds_total", {"where": f"{__name__}:compute"})
    assert holds is not None
    assert holds >= 1
    longest = REGISTRY.get_sample_value("penchant_event_loop_longest_hold_seconds")
    assert longest is not None
    assert longest > 0.2


@pytest.mark.asyncio
async def test_a_hold_is_not_attributed_to_the_function_that_started_the_loop() -> None:
    numbers = list(range(1_000_000))  # shuffling them takes long enough for a function to be recorded
    async with watching() as watch:
        asyncio.get_running_loop().call_soon(Random(1).shuffle, numbers)
        await until(lambda: watch.longest > 0.1)
    holds = REGISTRY.get_sample_value("penchant_event_loop_holds_total", {"where": "unknown"})
    assert holds is not None
    assert holds >= 1


@pytest.mark.asyncio
async def test_work_that_yields_is_not_a_hold() -> None:
    async with watching() as watch:
        for _ in range(100):
            compute(0.004)
            await asyncio.sleep(0)
    assert watch.longest < BLOCKED_AFTER


@pytest.mark.asyncio
async def test_time_in_which_the_process_did_not_run_is_a_delay_but_not_a_hold() -> None:
    async with watching() as watch:
        sleep(0.3)  # noqa: ASYNC251 - like an overloaded machine, or a debugger
        before = monotonic()
        await until(lambda: watch.longest_delay > 0.2)
        assert monotonic() - before < 5
    assert watch.longest < BLOCKED_AFTER
