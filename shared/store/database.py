"""One service's database: its pool, its migrations, its transactions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Self

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

from shared.store.migrate import migrate
from shared.store.queries import queries_of
from shared.store.unit_of_work import UnitOfWork

QUERIES = queries_of(__file__)

APPLICATION = "penchant"
LOCK_TIMEOUT = timedelta(seconds=5)
ACQUIRE_WITHIN = 10.0  # seconds; raises TimeoutError
POOL_SIZE = 10  # at most one transaction per partition number, and a few for requests

BeforeCommit = Callable[[PoolConnectionProxy], Awaitable[None]]


class _Pool(asyncpg.Pool):
    """A pool of connections; waiting for one has a time-out."""

    def acquire(self, *, timeout: float | None = None) -> PoolAcquireContext:
        return super().acquire(timeout=ACQUIRE_WITHIN if timeout is None else timeout)


async def _skip_reset(connection: asyncpg.Connection) -> None:
    """Do not reset a returned connection: session settings are never changed, and a reset costs a round trip."""


class Database:
    """A pool on the service's PostgreSQL database.

    `partitions` is the number of partitions of every contact topic.
    """

    def __init__(self, dsn: str, pool: asyncpg.Pool, partitions: int) -> None:
        self._dsn = dsn
        self.pool = pool
        self.partitions = partitions
        self._before_commit: BeforeCommit | None = None

    @classmethod
    async def open(cls, dsn: str, partitions: int = 12, size: int = POOL_SIZE) -> Self:
        """Connect. Raises asyncpg's errors if the database does not exist or is unavailable."""
        milliseconds = str(int(LOCK_TIMEOUT.total_seconds() * 1000))
        pool = _Pool(
            dsn,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            init_size=None,
            min_size=1,
            max_size=size,
            timeout=10,
            command_timeout=60,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            connect=None,
            setup=None,
            init=None,
            reset=_skip_reset,
            loop=None,
            server_settings={
                "application_name": APPLICATION,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "jit": "off",  # compiling a statement that runs for milliseconds takes longer than it saves
                "timezone": "UTC",
                # Events are published after the commit, so a crash of the server must not undo it.
                "synchronous_commit": "on",
            },
        )
        await pool
        return cls(dsn, pool, partitions)

    def before_commit(self, call: BeforeCommit) -> Self:
        """Return this database for one request: its units of work that append events call `call` before the commit.

        `call` gets the connection, in the same transaction; an exception rolls everything back.
        """
        bound = copy(self)
        bound._before_commit = call  # noqa: SLF001 - of the same class
        return bound

    async def close(self) -> None:
        """Close all connections; those still in use after 5 s are terminated."""
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()

    async def migrate(self, folders: Sequence[Path]) -> None:
        """Bring the schema up to date: the runtime's tables, then those of `folders`, in order."""
        await migrate(self._dsn, folders)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnectionProxy]:
        """Open a plain transaction, for work without events."""
        async with self._ending_stopped_holders(), self.pool.acquire() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def unit_of_work(self, *partitions: int) -> AsyncIterator[UnitOfWork]:
        """Open a transaction that holds the locks of `partitions` and appends events; see `UnitOfWork`.

        Without partitions it is an intake batch, which takes its locks later with `work.lock`.
        """
        async with (
            self._ending_stopped_holders(),
            self.pool.acquire() as connection,
            connection.transaction(isolation="read_committed"),
        ):
            work = UnitOfWork(connection, self.partitions, self._before_commit)
            await work.lock(partitions)
            yield work
            await work.flush()
        work.committed()

    @asynccontextmanager
    async def _ending_stopped_holders(self) -> AsyncIterator[None]:
        """After a lock time-out, terminate the stopped sessions that hold locks, and raise the error again."""
        try:
            yield
        except asyncpg.LockNotAvailableError:
            await QUERIES["end_stopped_holders"].execute(self.pool, application=APPLICATION, stopped_for=LOCK_TIMEOUT)
            raise
