"""Waiting to be woken, and no longer than so long."""

import asyncio


async def woken_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set; return False if it is not after `seconds`.

    Before Python 3.12 `asyncio.wait_for` loses a cancellation that comes at the moment when the event is set, and the
    task that was to end goes on for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
