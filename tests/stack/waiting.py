"""Waiting for what must come true."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from time import monotonic
from typing import Any, TypeVar

Found = TypeVar("Found")
EVERY = 0.02  # seconds


async def until(condition: Callable[[], Any], within: float = 60.0) -> Any:
    """Asks until `condition` (sync or async) gives something true, and returns that; fails with what it gave last."""
    deadline = monotonic() + within
    while True:
        found = condition()
        if isawaitable(found):
            found = await found
        if found:
            return found
        assert monotonic() < deadline, f"not within {within:.0f} s; the last answer was {found!r}"
        await asyncio.sleep(EVERY)


async def until_equal(ask: Callable[[], Awaitable[Found]], expected: Found, within: float = 60.0) -> None:
    """Asks until the answer is `expected`; fails with what differs."""
    deadline = monotonic() + within
    while True:
        found = await ask()
        if found == expected:
            return
        if monotonic() > deadline:
            assert found == expected
        await asyncio.sleep(EVERY)
