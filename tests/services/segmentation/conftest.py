from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import TestKafka
from tests.services.segmentation.rig import Rig, make_rig


@pytest_asyncio.fixture
async def rig(kafka: TestKafka, database_dsn: str, topic_prefix: str) -> AsyncIterator[Rig]:
    async with make_rig(kafka.bootstrap, database_dsn, topic_prefix) as made:
        yield made
