"""Let other tasks run in the middle of long work: nobody may hold the event loop for more than 50 ms."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from time import monotonic
from typing import TypeVar

Item = TypeVar("Item")

# Seconds. Several tasks may work like this, and all of them run in one turn of the loop.
HOLDS_FOR = 0.01


async def yielding(items: Iterable[Item]) -> AsyncGenerator[Item, None]:
    """Iterate over `items`, and yield to other tasks whenever the loop has been held for 10 ms."""
    since = monotonic()
    for item in items:
        yield item
        if monotonic() - since > HOLDS_FOR:
            await asyncio.sleep(0)
            since = monotonic()
