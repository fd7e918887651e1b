from collections.abc import AsyncIterator

import pytest_asyncio

from shared.store.database import Database
from shared.store.event_tables import extend_event_tables

PARTITIONS = 4


@pytest_asyncio.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """Provide a migrated database of the test's own."""
    opened = await Database.open(database_dsn, PARTITIONS)
    await opened.migrate([])
    async with opened.pool.acquire() as connection:
        await extend_event_tables(connection)
    yield opened
    await opened.close()
