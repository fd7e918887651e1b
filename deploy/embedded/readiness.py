"""Waits until servers answer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from deploy.embedded.error import StackError
from shared.bus.topics import cluster_id
from shared.settings import CommonSettings

POLL_SECONDS = 0.1

Unready = str | None  # what is missing; None if ready
Check = Callable[[], Awaitable[Unready]]


async def broker_unready(settings: CommonSettings) -> Unready:
    """Return what is missing, or None. The broker is ready when it answers with metadata, not when its port is open."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # at first no answer is expected, and the caller reports it
    try:
        await cluster_id(settings)
    except (KafkaError, OSError) as problem:
        return str(problem) or type(problem).__name__
    finally:
        logger.setLevel(level)
    return None


async def database_unready(dsn: str) -> Unready:
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            await connection.fetchval("SELECT 1", timeout=5)
        finally:
            await connection.close(timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        return str(problem) or type(problem).__name__
    return None


async def service_unready(url: str) -> Unready:
    async with httpx.AsyncClient(timeout=5) as client:
        try:
            answer = await client.get(f"{url}/health/ready")
        except httpx.TransportError as problem:
            return str(problem) or type(problem).__name__
    return None if answer.status_code == httpx.codes.OK else answer.text[:500]


async def wait_until_ready(
    checks: Mapping[str, Check],
    within: float,
    give_up_reason: Callable[[str], str | None],
) -> dict[str, float]:
    """Wait for all of `checks` concurrently; return the seconds that each took.

    `give_up_reason(name)` returns why further waiting is useless, or None. Raises StackError if there is such a reason,
    and after `within` seconds.
    """
    started = time.monotonic()

    async def wait(name: str, check: Check) -> float:
        while missing := await check():
            if reason := give_up_reason(name):
                raise StackError(reason)
            if time.monotonic() - started > within:
                raise StackError(f"{name} is not ready after {within:.0f} s: {missing}")
            await asyncio.sleep(POLL_SECONDS)
        return time.monotonic() - started

    tasks = {name: asyncio.create_task(wait(name, check)) for name, check in checks.items()}
    try:
        await asyncio.gather(*tasks.values())
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return {name: task.result() for name, task in tasks.items()}
