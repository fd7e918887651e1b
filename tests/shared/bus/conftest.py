"""The fixture `rig`: a small service on a real Kafka and PostgreSQL."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import TestKafka
from tests.shared.bus.rig import Rig, make_rig


@pytest_asyncio.fixture
async def rig(kafka: TestKafka, migrated_dsn: str, topic_prefix: str) -> AsyncIterator[Rig]:
    """Provide a rig with its own topics and database."""
    async with make_rig(kafka.bootstrap, migrated_dsn, topic_prefix) as made:
        yield made
