"""The retry policy: temporary failures are retried with increasing, randomised delays."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import NoReturn, TypeVar

import stamina
import structlog
from stamina.instrumentation import set_on_retry_hooks

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE, SPREAD = 0.1, 5.0, 0.5  # seconds
RESET_AFTER = 10.0  # seconds; an attempt that runs for longer before it fails resets the delays

Result = TypeVar("Result")

# stamina's own hook would log the error's text, which may contain a value such as an address.
set_on_retry_hooks([])


class Pauses:
    """The delays after consecutive failures, each about twice as long as the previous one.

    For loops that cannot be written as one attempt (see `until_it_works`).
    """

    def __init__(self, longest: float = LONGEST_PAUSE) -> None:
        """Limit delays to `longest` seconds."""
        self._longest = longest
        self._next = FIRST_PAUSE

    def after_failure(self) -> float:
        """Return the delay in seconds after another failure."""
        pause = min(self._longest, self._next + random.uniform(0.0, SPREAD))
        self._next = min(self._longest, self._next * 2)
        return pause

    def reset(self) -> None:
        """Record a success: the next delay is the first one again."""
        self._next = FIRST_PAUSE


async def until_it_works(
    what: str,
    attempt: Callable[[], Awaitable[Result]],
    is_passing: Callable[[Exception], bool],
    failed: Callable[[], None] = lambda: None,
) -> Result:
    """Call `attempt` until it succeeds; return its result.

    Errors that are not temporary are raised. Each failure is logged with `what`, and `failed` is called. An attempt may
    run for ever: when one fails after a long time, the delays start from the first one again.
    """
    pauses = Pauses()
    started_at = monotonic()

    def pause_after(error: Exception) -> bool | float:
        if not is_passing(error):
            return False
        log.warning("retrying", what=what, error=type(error).__name__)
        failed()
        if monotonic() - started_at > RESET_AFTER:
            pauses.reset()
        return pauses.after_failure()

    async for tracked_attempt in stamina.retry_context(on=pause_after, attempts=None, timeout=None):
        with tracked_attempt:
            started_at = monotonic()
            return await attempt()
    raise AssertionError("retries never end")


async def repeat(
    every: float, what: str, task: Callable[[], Awaitable[object]], is_passing: Callable[[Exception], bool]
) -> NoReturn:
    """Call `task` now, and then every `every` seconds for ever; for the other arguments see `until_it_works`."""
    while True:
        started_at = monotonic()
        await until_it_works(what, task, is_passing)
        await asyncio.sleep(max(0.0, started_at + every - monotonic()))
