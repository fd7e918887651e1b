"""A database with a table that a job of the tests writes."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.store.database import Database
from shared.store.event_tables import extend_event_tables


@pytest_asyncio.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """Provide a migrated database of the test's own, with a table `counted`."""
    opened = await Database.open(database_dsn, 4)
    await opened.migrate([])
    async with opened.pool.acquire() as connection:
        await extend_event_tables(connection)
        await connection.execute("CREATE TABLE counted (job_id uuid, number integer)")
        await connection.execute("CREATE TABLE stopped (job_id uuid, state text)")
    yield opened
    await opened.close()
