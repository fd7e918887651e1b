"""The fixture `database` of the tests of the store."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.store.database import Database

PARTITIONS = 4


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    """Provide a migrated database for one test."""
    opened = await Database.open(migrated_dsn, PARTITIONS)
    yield opened
    await opened.close()
