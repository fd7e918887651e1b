"""The fixture `database`, with the tables that the job of these tests writes."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.store.database import Database


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    """Provide a migrated database for one test, with the tables `counted` and `stopped`."""
    opened = await Database.open(migrated_dsn, 4)
    async with opened.pool.acquire() as connection:
        await connection.execute("CREATE TABLE counted (job_id uuid, number integer)")
        await connection.execute("CREATE TABLE stopped (job_id uuid, state text)")
    yield opened
    await opened.close()
