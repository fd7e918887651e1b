"""A database with labeling's tables, and a shop in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.labeling.store import MIGRATIONS
from shared.store.database import Database
from tests.services.labeling.shop import Shop


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (MIGRATIONS,)


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    """Provide a database with labeling's empty tables."""
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    """Provide an account with two labels and two fields."""
    return await Shop.open(database, "Dogs", "Cats")
