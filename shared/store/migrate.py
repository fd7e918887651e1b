"""Migrations as plain SQL, applied by pogo: the runtime's tables first, then the service's own."""

from collections.abc import Sequence
from pathlib import Path

import asyncpg
from pogo_core.util import migrate as pogo

from shared.store.locks import MIGRATIONS

RUNTIME = Path(__file__).parent / "migrations"


async def migrate(dsn: str, folders: Sequence[Path]) -> None:
    """Apply what is not yet applied: of the runtime, then of `folders`, in order. Each migration is a transaction."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATIONS)
        for folder in (RUNTIME, *folders):
            await pogo.apply(connection, folder, schema_name="public")
    finally:
        await connection.close()
