"""Migrating step by step gives the same schema as a fresh installation."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.store.database import Database
from shared.store.migrate import RUNTIME, migrate
from tests.conftest import TestPostgres

SERVICES = Path(__file__).parents[3] / "services"
FOLDERS = {"runtime": RUNTIME} | {
    folder.parent.name: folder for folder in sorted(SERVICES.glob("*/migrations")) if folder.is_dir()
}

SCHEMA = """
SELECT 'column', table_name, column_name, data_type, is_nullable, column_default, is_identity
FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_pogo%'
UNION ALL
SELECT 'index', tablename, indexname, indexdef, NULL, NULL, NULL
FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_pogo%'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '\\_pogo%'
UNION ALL
SELECT 'sequence', sequencename, cache_size::text, NULL, NULL, NULL, NULL FROM pg_sequences WHERE schemaname = 'public'
ORDER BY 1, 2, 3, 4
"""


async def schema_of(dsn: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(SCHEMA)]
    finally:
        await connection.close()


@pytest.fixture
def other_dsn(postgres: TestPostgres, database_dsn: str) -> Iterator[str]:
    name = database_dsn.rpartition("/")[2] + "_stepwise"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.mark.asyncio
@pytest.mark.parametrize("service", FOLDERS)
async def test_stepwise_migration_yields_the_schema_of_a_fresh_installation(
    service: str, database_dsn: str, other_dsn: str, tmp_path: Path
) -> None:
    folders = [] if service == "runtime" else [FOLDERS[service]]
    await migrate(database_dsn, folders)
    stepwise = tmp_path / service
    stepwise.mkdir()
    for migration in sorted(FOLDERS[service].glob("*.sql")):
        shutil.copy(migration, stepwise)
        await migrate(other_dsn, [stepwise] if folders else [])
        await migrate(other_dsn, [stepwise] if folders else [])  # run again: nothing is applied twice
    fresh = await schema_of(database_dsn)
    assert len(fresh) > 10
    assert await schema_of(other_dsn) == fresh


@pytest.mark.asyncio
async def test_concurrent_processes_apply_each_migration_once(database_dsn: str) -> None:
    first, second = await Database.open(database_dsn), await Database.open(database_dsn)
    await asyncio.gather(first.migrate([]), second.migrate([]))
    assert await first.pool.fetchval("SELECT count(*) FROM _pogo_migration") == len(list(RUNTIME.glob("*.sql")))
    await first.close()
    await second.close()
