"""The workflow service among services that the test plays itself."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import TestKafka
from tests.services.workflow.rig import Rig, make_rig


@pytest_asyncio.fixture
async def rig(kafka: TestKafka, database_dsn: str, topic_prefix: str) -> AsyncIterator[Rig]:
    """Provide a rig without a worker; `rig.worker()` starts one."""
    async with make_rig(kafka.bootstrap, database_dsn, topic_prefix) as made:
        yield made


@pytest_asyncio.fixture
async def working(rig: Rig) -> AsyncIterator[Rig]:
    """Provide a rig with a worker."""
    async with rig.worker():
        yield rig
