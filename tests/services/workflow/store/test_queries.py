"""Every query of the store, against the migrated schema."""

from importlib import import_module
from pathlib import Path

import pytest

import services.workflow.store
from shared.store.database import Database
from shared.store.queries import queries_of

FILES = sorted(Path(services.workflow.store.__path__[0]).glob("*.sql"))


@pytest.mark.asyncio
async def test_every_query_can_be_prepared(database: Database) -> None:
    assert FILES
    async with database.pool.acquire() as connection:
        for file in FILES:
            module = import_module(f"services.workflow.store.{file.stem}")
            assert module.__file__ is not None
            for query in queries_of(module.__file__).values():
                await connection.prepare(query.text)
