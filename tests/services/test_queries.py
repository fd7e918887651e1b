"""Every query of every service and of `shared` can be prepared on the migrated schema."""

from pathlib import Path

import asyncpg
import pytest

from shared.store.migrate import migrate
from shared.store.queries import Query, queries_of

ROOT = Path(__file__).parents[2]
SERVICES = sorted(folder.parent.name for folder in (ROOT / "services").glob("*/migrations"))


def queries_in(folder: Path) -> list[Query]:
    """Return the queries beside the modules in a folder and its subfolders, without migrations."""
    files = sorted(file for file in folder.rglob("*.sql") if file.parent.name != "migrations")
    return [query for file in files for query in queries_of(str(file.with_suffix(".py"))).values()]


@pytest.mark.asyncio
@pytest.mark.parametrize("service", SERVICES)
async def test_every_query_can_be_prepared(service: str, database_dsn: str) -> None:
    folder = ROOT / "services" / service
    own, shared = queries_in(folder), queries_in(ROOT / "shared")
    assert own
    assert shared
    await migrate(database_dsn, [folder / "migrations"])
    connection = await asyncpg.connect(database_dsn)
    try:
        for query in (*own, *shared):
            await connection.prepare(query.text)
    finally:
        await connection.close()
