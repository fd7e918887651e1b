"""Accounts take turns with long computations, so that a request waits only for short turns of others."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from time import perf_counter
from typing import TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

# Seconds. A request of another task needs several iterations of the event loop, and may wait for a turn in each.
TURN_LASTS = 0.002


class AccountTurns:
    """Carries out long computations of a process in turns, one turn at a time.

    An account with many computations has no more turns than one with a single computation.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()  # the next account first
        self._current_account: int | None = None  # whose turn it is
        self._is_busy = False  # a turn is in progress, or about to be granted

    async def run(self, account_id: int, steps: Generator[None, None, Result]) -> Result:
        """Carry out the short steps of a computation on the event loop; return what the generator returns.

        A turn has as many steps as fit into 2 ms. Other tasks run between two turns.
        """
        while True:
            await self._wait(account_id)
            ends_at = perf_counter() + TURN_LASTS
            try:
                next(steps)
                while perf_counter() < ends_at:
                    next(steps)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            finally:
                self._grant_next()

    async def run_in_thread(
        self, account_id: int, compute: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """Call `compute` in a thread, as one turn; return what it returns.

        Threads and the event loop share the interpreter's lock: with many busy threads, the loop waits for all. A
        thread cannot be stopped, so its turn lasts until it ends, even if the caller is cancelled before.
        """
        await self._wait(account_id)
        future = asyncio.ensure_future(asyncio.to_thread(compute, *arguments))
        future.add_done_callback(lambda _: self._grant_next())
        return await asyncio.shield(future)

    async def _wait(self, account_id: int) -> None:
        """Wait for a turn; at least until the tasks that are ready have run."""
        loop = asyncio.get_running_loop()
        granted = loop.create_future()
        self._waiting.setdefault(account_id, deque()).append(granted)
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._grant_next)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._grant_next()
            raise

    def _grant_next(self) -> None:
        """Give the next turn to the account that has waited longest. Its task runs after those that are ready now."""
        if self._current_account is not None and self._current_account in self._waiting:
            self._waiting.move_to_end(self._current_account)
        while self._waiting:
            account_id, waiting = next(iter(self._waiting.items()))
            granted = waiting.popleft()
            if not waiting:
                del self._waiting[account_id]
            if not granted.done():  # done already: its task was cancelled
                self._current_account = account_id
                granted.set_result(None)
                return
        self._current_account = None
        self._is_busy = False
