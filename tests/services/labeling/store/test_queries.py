"""Every statement is prepared against the migrated schema."""

from importlib import import_module
from pathlib import Path

import pytest

from services.labeling import store
from shared.store.database import Database
from shared.store.queries import Query

pytestmark = pytest.mark.asyncio


def all_queries() -> list[Query]:
    """Return the queries of every module of the store."""
    names = sorted(path.stem for path in Path(store.__file__).parent.glob("*.sql"))
    modules = [import_module(f"{store.__name__}.{name}") for name in names]
    return [query for module in modules for query in module.QUERIES.values()]


async def test_every_query_can_be_prepared(database: Database) -> None:
    queries = all_queries()
    assert queries
    async with database.pool.acquire() as connection:
        for query in queries:
            await connection.prepare(query.text)
