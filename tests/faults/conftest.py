from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.chain import Chain, Processes
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.sandbox import Sandbox

SESSION_TIMEOUT = "6"  # seconds; a broker takes no less


@pytest.fixture
def sandbox(private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path: Path) -> Iterator[Sandbox]:
    """Topics and databases of the test's own, on servers that may be stopped."""
    made = Sandbox(private_kafka, private_postgres, tmp_path, kafka_session_timeout=SESSION_TIMEOUT)
    yield made
    made.clear()


@pytest.fixture(scope="session")
def processes(
    private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    """Tracking and labeling at work. Started once: who breaks them must find out how they recover."""
    folder = tmp_path_factory.mktemp("chain")
    sandbox = Sandbox(private_kafka, private_postgres, folder, kafka_session_timeout=SESSION_TIMEOUT)
    yield Processes(sandbox)
    sandbox.clear()


@pytest_asyncio.fixture
async def chain(processes: Processes) -> AsyncIterator[Chain]:
    """Tracking and labeling, each an API and a worker, with a new shop on them."""
    processes.start()
    yield await Chain.open(processes)
    for process in processes.all:
        if process.running:
            process.resume()
