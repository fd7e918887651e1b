"""A database with labeling's tables, and a shop in it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from services.labeling.store import MIGRATIONS
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.services.labeling.shop import Shop


@pytest_asyncio.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """Provide a database with labeling's tables, which are empty."""
    database = await Database.open(database_dsn)
    await database.migrate([MIGRATIONS])
    async with database.pool.acquire() as connection:
        await extend_event_tables(connection)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    """Provide an account with two labels and two fields."""
    return await Shop.open(database, "Dogs", "Cats")
