"""Wakes tasks on PostgreSQL's NOTIFY. This is only a hint: the tasks also poll."""

import asyncio
from collections.abc import Callable
from functools import partial

import asyncpg

from shared.retrying import until_it_works
from shared.store.errors import is_passing

ALIVE = 10.0  # seconds between checks of the connection


async def listen(dsn: str, callbacks: dict[str, Callable[[], None]]) -> None:
    """Call `callbacks[channel]` at each notification, on a connection of its own, until cancelled."""
    while True:
        await until_it_works("listening", partial(_listen, dsn, callbacks), is_passing)


async def _listen(dsn: str, callbacks: dict[str, Callable[[], None]]) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        for channel, callback in callbacks.items():
            await connection.add_listener(channel, lambda *_, call=callback: call())
        while not connection.is_closed():
            await connection.execute("SELECT 1", timeout=ALIVE)
            await asyncio.sleep(ALIVE)
    finally:
        connection.terminate()
