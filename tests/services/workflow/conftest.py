"""Fixtures of workflow: its migrations, and a rig with or without a worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.workflow.app import SERVICE
from tests.conftest import TestKafka
from tests.services.workflow.rig import Rig, make_rig


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (SERVICE.migrations,)


@pytest_asyncio.fixture
async def rig(kafka: TestKafka, migrated_dsn: str, topic_prefix: str) -> AsyncIterator[Rig]:
    """Provide a rig without a worker; `rig.worker()` starts one."""
    async with make_rig(kafka.bootstrap, migrated_dsn, topic_prefix) as made:
        yield made


@pytest_asyncio.fixture
async def working(rig: Rig) -> AsyncIterator[Rig]:
    """Provide a rig with a worker."""
    async with rig.worker():
        yield rig
