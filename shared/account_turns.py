"""Accounts take turns with long work, so that a request waits for one piece of another account's work at a time."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from time import perf_counter
from typing import TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

LASTS = 0.002  # seconds of a turn; an answer of other tasks takes several rounds of the loop, and waits in each


class AccountTurns:
    """Carries out long computations of a process in turns, one turn at a time.

    An account with many computations has no more turns than one with a single computation.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()  # the next account first
        self._at_work: int | None = None  # the account whose turn it is
        self._is_taken = False

    async def run(self, account_id: int, steps: Generator[None, None, Result]) -> Result:
        """Carry out the short steps of a computation on the event loop; return what the generator returns.

        A turn has as many steps as fit into 2 ms. Other tasks run between two turns.
        """
        while True:
            await self._wait(account_id)
            ends = perf_counter() + LASTS
            try:
                next(steps)
                while perf_counter() < ends:
                    next(steps)
            except StopIteration as stopped:
                result: Result = stopped.value
                return result
            finally:
                self._pass_on()

    async def run_in_thread(
        self, account_id: int, compute: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """Return what `compute` returns, which takes a turn in a thread.

        Threads and the event loop share the interpreter's lock: with many threads at work, the loop waits for all. A
        thread cannot be stopped, so its turn lasts until it ends, even if the caller is cancelled before.
        """
        await self._wait(account_id)
        computing = asyncio.ensure_future(asyncio.to_thread(compute, *arguments))
        computing.add_done_callback(lambda _: self._pass_on())
        return await asyncio.shield(computing)

    async def _wait(self, account_id: int) -> None:
        """Wait for a turn; at least until the tasks that are ready have run."""
        loop = asyncio.get_running_loop()
        granted = loop.create_future()
        self._waiting.setdefault(account_id, deque()).append(granted)
        if not self._is_taken:
            self._is_taken = True
            loop.call_soon(self._pass_on)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the next turn to the account that has waited longest. Its task runs after those that are ready now."""
        if self._at_work is not None and self._at_work in self._waiting:
            self._waiting.move_to_end(self._at_work)
        while self._waiting:
            account_id, waiting = next(iter(self._waiting.items()))
            granted = waiting.popleft()
            if not waiting:
                del self._waiting[account_id]
            if not granted.done():  # a task that was cancelled wants it no more
                self._at_work = account_id
                granted.set_result(None)
                return
        self._at_work = None
        self._is_taken = False
