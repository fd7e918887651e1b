"""The one retry policy: what fails in passing is tried again, after pauses that grow and are spread."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog
from stamina.instrumentation import set_on_retry_hooks

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE, SPREAD = 0.1, 5.0, 0.5  # seconds

Result = TypeVar("Result")

# Its own hook would log the error's text, which may hold a value, and that an address.
set_on_retry_hooks([])


async def until_it_works(
    what: str,
    attempt: Callable[[], Awaitable[Result]],
    is_passing: Callable[[Exception], bool],
    failed: Callable[[], None] = lambda: None,
) -> Result:
    """Call `attempt` until it succeeds; return its result.

    Errors that are not passing are raised. Each failure is logged with `what`, and `failed` is called.
    """
    retrying = stamina.retry_context(
        on=is_passing,
        attempts=None,
        timeout=None,
        wait_initial=FIRST_PAUSE,
        wait_max=LONGEST_PAUSE,
        wait_jitter=SPREAD,
    )
    async for each in retrying:
        with each:
            try:
                return await attempt()
            except Exception as error:
                if is_passing(error):
                    log.warning("tried again", what=what, error=type(error).__name__)
                    failed()
                raise
    raise AssertionError("it was tried for ever")
