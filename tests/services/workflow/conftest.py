"""The workflow service among services that the test plays itself."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import TestKafka
from tests.services.workflow.rig import Rig, make_rig


@pytest_asyncio.fixture
async def rig(kafka: TestKafka, database_dsn: str, topic_prefix: str) -> AsyncIterator[Rig]:
    """Without a worker: `rig.worker()` starts one."""
    async with make_rig(kafka.bootstrap, database_dsn, topic_prefix) as made:
        yield made


@pytest_asyncio.fixture
async def working(rig: Rig) -> AsyncIterator[Rig]:
    """With a worker."""
    async with rig.worker():
        yield rig
