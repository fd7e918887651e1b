"""Waits for an event, with a time-out."""

import asyncio


async def woken_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set; return False if it is not after `seconds`.

    Before Python 3.12 `asyncio.wait_for` loses a cancellation that coincides with setting the event, so that the
    cancelled task continues for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
