from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.chain import Chain
from tests.stack.ground import Ground
from tests.stack.nodes import KafkaNode, PostgresNode


@pytest.fixture
def ground(private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path: Path) -> Iterator[Ground]:
    """Topics and databases of the test's own, on servers that may be stopped."""
    made = Ground(private_kafka, private_postgres, tmp_path, kafka_session_timeout="6")
    yield made
    made.clear()


@pytest_asyncio.fixture
async def chain(ground: Ground) -> AsyncIterator[Chain]:
    """Tracking and labeling at work, each an API and a worker."""
    yield await Chain.start(ground)
