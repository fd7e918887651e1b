from collections.abc import AsyncIterator

import pytest_asyncio

from services.workflow.app import SERVICE
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables


@pytest_asyncio.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """Provide a database with workflow's tables, which are empty."""
    database = await Database.open(database_dsn)
    await database.migrate([SERVICE.migrations])
    async with database.pool.acquire() as connection:
        await extend_event_tables(connection)
    yield database
    await database.close()
