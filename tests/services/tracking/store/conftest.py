"""The database of the tests of tracking's store."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.store.database import Database


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    """Provide a database with the empty tables of tracking."""
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()
