"""Migrations as plain SQL, applied by pogo: the runtime's tables first, then the service's own."""

from collections.abc import Sequence
from pathlib import Path

import asyncpg
from pogo_core.util import migrate as pogo
from pogo_core.util import sql

from shared.store.locks import MIGRATIONS

RUNTIME = Path(__file__).parent / "migrations"
SCHEMA = "public"


async def migrate(dsn: str, folders: Sequence[Path]) -> None:
    """Apply the missing migrations of the runtime, then those of `folders`, in order, each in a transaction."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATIONS)
        await sql.ensure_pogo_sync(connection)
        applied = await sql.get_applied_migrations(connection, schema_name=SCHEMA)
        for folder in (RUNTIME, *folders):
            # pogo parses every file twice before it checks which are missing, and at most starts none are.
            if not _migrations_in(folder) <= applied:
                await pogo.apply(connection, folder, schema_name=SCHEMA)
    finally:
        await connection.close()


def _migrations_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir() if path.suffix in {".sql", ".py"}}
