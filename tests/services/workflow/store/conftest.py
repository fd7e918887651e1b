"""A database for the tests of workflow's store."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.store.database import Database


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    """Provide a database with workflow's empty tables."""
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()
