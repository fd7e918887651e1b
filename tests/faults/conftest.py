"""Fixtures of the fault tests: servers that may be stopped, services on them, and a shop."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.chain import Chain, Processes
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.sandbox import Sandbox

SESSION_TIMEOUT = "6"  # seconds; the shortest that a broker accepts


@pytest.fixture
def sandbox(private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path: Path) -> Iterator[Sandbox]:
    """Provide topics and databases on servers that the test may stop."""
    made = Sandbox(private_kafka, private_postgres, tmp_path, kafka_session_timeout=SESSION_TIMEOUT)
    yield made
    made.clear()


@pytest.fixture(scope="package")
def processes(
    private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    """Provide tracking and labeling for all tests. Each test must leave them in a state from which they recover."""
    folder = tmp_path_factory.mktemp("chain")
    sandbox = Sandbox(private_kafka, private_postgres, folder, kafka_session_timeout=SESSION_TIMEOUT)
    yield Processes(sandbox)
    sandbox.clear()


@pytest_asyncio.fixture
async def chain(processes: Processes) -> AsyncIterator[Chain]:
    """Provide an API and a worker of tracking and of labeling, running, with a new shop."""
    processes.start()
    yield await Chain.open(processes)
    for process in processes.all:
        if process.running:
            process.resume()
