"""Waiting for conditions, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from time import monotonic, sleep
from typing import Any, TypeVar

Found = TypeVar("Found")
EVERY = 0.02  # seconds
MOST_SHOWN = 10  # differences
_NOTHING = object()


async def until(condition: Callable[[], Any], within: float = 60.0) -> Any:
    """Call `condition` (sync or async) until it returns something true, and return that. Fail with its last result."""
    deadline = monotonic() + within
    while True:
        found = condition()
        if isawaitable(found):
            found = await found
        if found:
            return found
        assert monotonic() < deadline, f"not within {within:.0f} s; the last answer was {found!r}"
        await asyncio.sleep(EVERY)


def wait_until(condition: Callable[[], Found | None], within: float = 60.0) -> Found:
    """Call `condition` until it returns something true, outside of an event loop, and return that."""
    deadline = monotonic() + within
    while not (found := condition()):
        assert monotonic() < deadline, f"not within {within:.0f} s; the last answer was {found!r}"
        sleep(EVERY)
    return found


async def until_equal(
    ask: Callable[[], Awaitable[Found]],
    expected: Found,
    within: float = 60.0,
    explain: Callable[[], Awaitable[str]] | None = None,
) -> None:
    """Call `ask` until it returns `expected`. Fail with the differences, and with the text of `explain`."""
    deadline = monotonic() + within
    while True:
        found = await ask()
        if found == expected:
            return
        if monotonic() >= deadline:
            explanation = f"\n{await explain()}" if explain is not None else ""
            raise AssertionError(f"not within {within:.0f} s; {difference(found, expected)}{explanation}")
        await asyncio.sleep(EVERY)


def difference(found: object, expected: object) -> str:
    """Describe only the differences between two values."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        lines = [
            f"{key!r}: {found.get(key, 'missing')!r}, not {expected.get(key, 'nothing')!r}"
            for key in sorted({*found, *expected}, key=repr)
            if found.get(key, _NOTHING) != expected.get(key, _NOTHING)
        ]
        more = f" and {len(lines) - MOST_SHOWN} more" if len(lines) > MOST_SHOWN else ""
        return f"{len(lines)} of {len(expected)} differ: " + "; ".join(lines[:MOST_SHOWN]) + more
    if isinstance(found, Sequence) and isinstance(expected, Sequence) and not isinstance(found, str | bytes):
        place = next((n for n, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), None)
        if place is None:
            return f"there are {len(found)}, not {len(expected)}; the last one is {found[-1:]!r}"
        return f"at {place} there is {found[place]!r}, not {expected[place]!r}; {len(found)} of {len(expected)}"
    return f"found {found!r}, not {expected!r}"
