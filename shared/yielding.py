"""Lets other tasks run during long computations: no task may block the event loop for more than 50 ms."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from time import monotonic
from typing import TypeVar

Item = TypeVar("Item")

# Seconds. Several tasks may do this, and all of them run in one iteration of the loop.
HOLDS_FOR = 0.01


async def yielding(items: Iterable[Item]) -> AsyncGenerator[Item, None]:
    """Iterate over `items`, and let other tasks run whenever the loop has been blocked for 10 ms."""
    started_at = monotonic()
    for item in items:
        yield item
        if monotonic() - started_at > HOLDS_FOR:
            await asyncio.sleep(0)
            started_at = monotonic()
