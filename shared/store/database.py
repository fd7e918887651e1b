"""One service's database: its pool, its migrations, its transactions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.store.migrate import migrate
from shared.store.queries import queries_of
from shared.store.unit_of_work import UnitOfWork

QUERIES = queries_of(__file__)

APPLICATION = "penchant"
LOCK_TIMEOUT = timedelta(seconds=5)
POOL_SIZE = 10  # a transaction per partition number at most, and a few for requests


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing is ever set for a session, so giving a connection back need not cost a round trip."""


class Database:
    """A pool on the service's PostgreSQL database.

    `partitions` is the number of partitions of every contact topic.
    """

    def __init__(self, dsn: str, pool: asyncpg.Pool, partitions: int) -> None:
        self._dsn = dsn
        self.pool = pool
        self.partitions = partitions

    @classmethod
    async def open(cls, dsn: str, partitions: int = 12, size: int = POOL_SIZE) -> Self:
        """Connects. Raises what asyncpg raises if there is no such database or it is away."""
        milliseconds = str(int(LOCK_TIMEOUT.total_seconds() * 1000))
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=10,
            command_timeout=60,
            reset=_as_it_is,
            server_settings={
                "application_name": APPLICATION,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "timezone": "UTC",
            },
        )
        return cls(dsn, pool, partitions)

    async def close(self) -> None:
        """Gives the connections back; those still in use after 5 s are cut."""
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()

    async def migrate(self, folders: Sequence[Path]) -> None:
        """Brings the schema up to date: the runtime's tables, then those of `folders`, in order."""
        await migrate(self._dsn, folders)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnectionProxy]:
        """A plain transaction, for what needs no events."""
        async with self._patiently(), self.pool.acquire() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def unit_of_work(self, *partitions: int) -> AsyncIterator[UnitOfWork]:
        """Open a transaction that holds the locks of `partitions` and appends events; see `UnitOfWork`.

        No partitions: an intake batch, which takes its locks later, by `work.lock`.
        """
        async with (
            self._patiently(),
            self.pool.acquire() as connection,
            connection.transaction(isolation="read_committed"),
        ):
            work = UnitOfWork(connection, self.partitions)
            await work.lock(partitions)
            yield work
            await work.flush()
        work.committed()

    @asynccontextmanager
    async def _patiently(self) -> AsyncIterator[None]:
        """Whoever has waited for a lock in vain ends those who hold locks and have stopped."""
        try:
            yield
        except asyncpg.LockNotAvailableError:
            await QUERIES["end_stopped_holders"].execute(self.pool, application=APPLICATION, stopped_for=LOCK_TIMEOUT)
            raise
