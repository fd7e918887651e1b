"""Wakes tasks on PostgreSQL's NOTIFY. A hint only: whoever waits looks by itself now and then too."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from shared.store.errors import is_passing

log = structlog.get_logger()

RETRY_AFTER = 1.0  # seconds
ALIVE = 10.0  # seconds between looks at whether the connection still stands


async def listen(dsn: str, callbacks: dict[str, Callable[[], None]]) -> None:
    """Calls `callbacks[channel]` at each notification, on a connection of its own; goes on until cancelled."""
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=10)
            try:
                for channel, callback in callbacks.items():
                    await connection.add_listener(channel, lambda *_, call=callback: call())
                while not connection.is_closed():
                    await connection.execute("SELECT 1", timeout=ALIVE)
                    await asyncio.sleep(ALIVE)
            finally:
                connection.terminate()
        except Exception as error:
            if not is_passing(error):
                raise
            log.info("listening again", error=type(error).__name__)
        await asyncio.sleep(RETRY_AFTER)
