"""One process of tracking for all tests of this folder, and an account for each test."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from services.tracking.app import SERVICE
from tests.conftest import TestKafka, TestPostgres
from tests.services.tracking.process import TrackingProcess
from tests.services.tracking.rig import Rig, open_rig

ACCOUNTS = count(1)


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (SERVICE.migrations,)


@pytest.fixture(scope="package")
def process(
    kafka: TestKafka, postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrackingProcess]:
    """Provide one process for all tests here; each test has an account of its own."""
    name = f"t{uuid4().hex[:12]}"
    dsn = postgres.create_database(name)
    process = TrackingProcess(kafka.bootstrap, dsn, f"{name}.", tmp_path_factory.mktemp("tracking"))
    try:
        yield process.start()
        assert process.terminate() == 0, process.tail()
    finally:
        process.end()
        kafka.delete_topics(f"{name}.")
        postgres.drop_database(name)


@pytest_asyncio.fixture
async def rig(process: TrackingProcess) -> AsyncIterator[Rig]:
    async with open_rig(process, next(ACCOUNTS)) as made:
        yield made
