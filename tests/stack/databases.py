"""Databases on a PostgreSQL server: empty ones, and copies of a database that was migrated once."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.stack.coroutines import run_async


class DatabaseServer:
    """A PostgreSQL server on which tests create databases. `dsn` is that of a superuser."""

    def __init__(self) -> None:
        self._templates: dict[tuple[Path, ...], str] = {}

    @property
    def dsn(self) -> str:
        raise NotImplementedError

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database, an empty one unless a template is named; return its DSN."""
        execute(self.dsn, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{name}"))

    def create_migrated(self, name: str, *folders: Path) -> str:
        """Create a database with the runtime's tables and those of the migrations in `folders`; return its DSN.

        Migrations are applied once, to a template; copying it takes a tenth of the time.
        """
        if folders not in self._templates:
            template = f"template_{uuid4().hex}"
            dsn = self.create_database(template)
            try:
                run_async(lambda: _migrate(dsn, folders))
            except BaseException:
                self.drop_database(template)
                raise
            self._templates[folders] = template
        return self.create_database(name, self._templates[folders])

    def drop_database(self, name: str) -> None:
        execute(self.dsn, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def drop_templates(self) -> None:
        """Drop the databases that were copied; a server may outlive the tests."""
        for template in self._templates.values():
            self.drop_database(template)
        self._templates.clear()


def execute(dsn: str, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    run_async(work)


async def _migrate(dsn: str, folders: Sequence[Path]) -> None:
    database = await Database.open(dsn)
    try:
        await database.migrate(folders)
        async with database.pool.acquire() as connection:
            await extend_event_tables(connection)
    finally:
        await database.close()
