"""Accounts with long computations take turns."""

import asyncio
from collections.abc import Generator
from itertools import pairwise
from threading import Event, Lock
from time import perf_counter

import pytest

from shared.account_turns import TURN_LASTS, AccountTurns
from tests.stack.waiting import until

NOISY, QUIET = 1, 2
MANY = 50


def steps(account_id: int, taken: list[int], count: int) -> Generator[None, None, int]:
    """Record the account at each step; a step takes a whole turn."""
    for _ in range(count):
        taken.append(account_id)
        ends = perf_counter() + TURN_LASTS
        while perf_counter() <= ends:
            pass
        yield
    return count


@pytest.mark.asyncio
async def test_two_accounts_alternate_even_if_one_has_many_computations() -> None:
    turns, taken = AccountTurns(), list[int]()
    noise = [asyncio.create_task(turns.run(NOISY, steps(NOISY, taken, 2))) for _ in range(MANY)]
    await asyncio.sleep(0)
    assert await turns.run(QUIET, steps(QUIET, taken, 5)) == 5
    assert await asyncio.gather(*noise) == [2] * MANY
    places = [place for place, account_id in enumerate(taken) if account_id == QUIET]
    assert places[0] <= 2
    assert all(later - earlier == 2 for earlier, later in pairwise(places)), taken
    assert len(taken) == 2 * MANY + 5


@pytest.mark.asyncio
async def test_accounts_take_turns_round_robin() -> None:
    turns, taken = AccountTurns(), list[int]()
    accounts = (1, 2, 3, 4)
    running = [turns.run(account_id, steps(account_id, taken, 10)) for account_id in (*accounts, 1, 1)]
    await asyncio.gather(*running)
    for account_id in accounts:
        places = [place for place, one in enumerate(taken) if one == account_id][:10]
        assert max(later - earlier for earlier, later in pairwise(places)) <= len(accounts), taken


@pytest.mark.asyncio
async def test_other_tasks_run_between_two_turns() -> None:
    turns, taken, seen = AccountTurns(), list[int](), list[int]()

    async def observe() -> None:
        while True:
            seen.append(len(taken))
            await asyncio.sleep(0)

    observing = asyncio.create_task(observe())
    await asyncio.gather(*[turns.run(account_id, steps(account_id, taken, 3)) for account_id in (NOISY, QUIET)])
    observing.cancel()
    assert {1, 2, 3, 4, 5} <= set(seen), "no other task ran between two turns"


@pytest.mark.asyncio
async def test_short_steps_share_a_turn() -> None:
    seen = 0

    async def observe() -> None:
        nonlocal seen
        while True:
            seen += 1
            await asyncio.sleep(0)

    observing = asyncio.create_task(observe())
    await AccountTurns().run(QUIET, (None for _ in range(1_000)))
    observing.cancel()
    assert seen < 500


@pytest.mark.asyncio
async def test_a_cancelled_or_failed_computation_releases_its_turn() -> None:
    turns, taken = AccountTurns(), list[int]()

    def fails() -> Generator[None, None, None]:
        yield
        raise ZeroDivisionError

    waiting = [asyncio.create_task(turns.run(NOISY, steps(NOISY, taken, 9))) for _ in range(3)]
    failing = asyncio.create_task(turns.run(NOISY, fails()))
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    with pytest.raises(ZeroDivisionError):
        await failing
    assert await turns.run(QUIET, steps(QUIET, taken, 2)) == 2
    assert all(task.cancelled() for task in waiting)


@pytest.mark.asyncio
async def test_a_task_cancelled_after_it_was_granted_a_turn_releases_it() -> None:
    turns, taken = AccountTurns(), list[int]()
    first = asyncio.create_task(turns.run(NOISY, steps(NOISY, taken, 1)))
    await asyncio.sleep(0)  # it waits for its turn
    await asyncio.sleep(0)  # its turn was granted, and it has not run yet
    first.cancel()
    async with asyncio.timeout(10):
        assert await turns.run(QUIET, steps(QUIET, taken, 1)) == 1
    assert (first.cancelled(), taken) == (True, [QUIET])


@pytest.mark.asyncio
async def test_the_next_thread_waits_for_a_thread_whose_task_was_cancelled() -> None:
    turns, may_end, events = AccountTurns(), Event(), list[str]()

    def compute() -> None:
        events.append("begun")
        may_end.wait()
        events.append("ended")

    first = asyncio.create_task(turns.run_in_thread(NOISY, compute))
    await until(lambda: events)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    next_one = asyncio.create_task(turns.run_in_thread(QUIET, events.append, "next"))
    for _ in range(10):
        await asyncio.sleep(0)
    may_end.set()
    await next_one
    assert (first.cancelled(), events) == (True, ["begun", "ended", "next"])


@pytest.mark.asyncio
async def test_one_thread_computes_at_a_time_and_accounts_alternate() -> None:
    turns, taken = AccountTurns(), list[int]()
    at_work = Lock()

    def compute(account_id: int) -> int:
        assert at_work.acquire(blocking=False), "another thread is computing"
        taken.append(account_id)
        at_work.release()
        return account_id

    noise = [asyncio.create_task(turns.run_in_thread(NOISY, compute, NOISY)) for _ in range(MANY)]
    await asyncio.sleep(0)
    assert await turns.run_in_thread(QUIET, compute, QUIET) == QUIET
    assert await asyncio.gather(*noise) == [NOISY] * MANY
    assert taken.index(QUIET) <= 2
