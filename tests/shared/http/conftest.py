"""Fixtures: logs as in production, but in memory, and a database with the runtime's tables."""

import io
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog

from shared.logs import configure_logging
from shared.store.database import Database


@pytest.fixture(autouse=True)
def logged() -> Iterator[io.StringIO]:
    """Provide the logged lines."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("test", "info", stream)
    yield stream
    print(stream.getvalue())  # noqa: T201 # pytest shows it when a test fails
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    """Provide a database with the runtime's tables for one test."""
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()
