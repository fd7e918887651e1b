"""Wakes streams of counts when a count may have changed."""

import asyncio

from shared.waking import woken_within


class CountSignal:
    """A signal that any number of streams can wait for."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Wake all waiting streams."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return once notified, or after `seconds`."""
        await woken_within(self._changed, seconds)
