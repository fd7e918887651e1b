"""Limits the number of mails per second."""

import asyncio


class RateLimit:
    """Allows `per_second` turns each second, evenly distributed; unused turns are lost."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now)
        self._next = turn + self._interval
        if turn > now:
            await asyncio.sleep(turn - now)
