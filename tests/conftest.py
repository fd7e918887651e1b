"""One Kafka and one PostgreSQL for each test process; each test that needs them gets topics and a database of its own.

`pytest --numprocesses 2` distributes the tests over two processes (see `tests.stack.distribution`).
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.stack import distribution
from tests.stack.containers import KAFKA_IMAGE, POSTGRES_IMAGE, engine_has, kafka_container, postgres_container
from tests.stack.forking import close_fork_servers
from tests.stack.nodes import KafkaNode, PostgresNode, server_folder
from tests.stack.shared import SharedKafka, SharedPostgres

# How long an example takes to generate and to run depends on the load of the machine.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

TestKafka = KafkaNode | SharedKafka
TestPostgres = PostgresNode | SharedPostgres


def pytest_configure(config: pytest.Config) -> None:
    """Share out the ports if this process is one of several."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        distribution.share_ports(int(worker["workerid"].removeprefix("gw")), worker["workercount"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Distribute the tests by folder."""
    return distribution.make_scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the slowest folders if the tests are distributed."""
    if hasattr(config, "workerinput"):
        distribution.sort_longest_first(items)


@pytest.fixture(scope="session", autouse=True)
def _fork_servers() -> Iterator[None]:
    """End what forks processes of services, after everything that may use one: what comes first is closed last."""
    yield
    close_fork_servers()


@pytest.fixture(scope="session")
def private_kafka() -> Iterator[KafkaNode]:
    """Provide a broker of this process' own, which tests may stop and kill; they leave it running."""
    with server_folder("kafka") as folder:
        node = KafkaNode(folder)
        node.start()
        yield node
        node.kill()


@pytest.fixture(scope="session")
def private_postgres() -> Iterator[PostgresNode]:
    """Provide a database server of this process' own, which tests may stop and kill; they leave it running."""
    with server_folder("postgres") as folder:
        node = PostgresNode(folder)
        node.start()
        yield node
        node.stop()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[TestKafka]:
    """`.bootstrap` of the broker at PENCHANT_TEST_KAFKA, or of one in a container, or else of this process' own."""
    bootstrap = os.environ.get("PENCHANT_TEST_KAFKA")
    if bootstrap:
        yield SharedKafka(bootstrap)
    elif engine_has(KAFKA_IMAGE):
        with kafka_container() as broker:
            yield broker
    else:
        yield request.getfixturevalue("private_kafka")


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[TestPostgres]:
    """`.dsn` (a superuser's) of the server at PENCHANT_TEST_POSTGRES, or in a container, or of this process' own."""
    dsn = os.environ.get("PENCHANT_TEST_POSTGRES")
    if dsn:
        server = SharedPostgres(dsn)
        yield server
        server.drop_templates()
    elif engine_has(POSTGRES_IMAGE):
        with postgres_container() as server:
            yield server
    else:
        yield request.getfixturevalue("private_postgres")


@pytest.fixture
def database_dsn(postgres: TestPostgres) -> Iterator[str]:
    """Provide an empty database, which is dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    """Provide the folders of the migrations of `migrated_dsn`, beside the runtime's; tests of a service override it."""
    return ()


@pytest.fixture
def migrated_dsn(postgres: TestPostgres, migrations: tuple[Path, ...]) -> Iterator[str]:
    """Provide a database with all tables, which are empty; it is dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_migrated(name, *migrations)
    postgres.drop_database(name)


@pytest.fixture
def topic_prefix(kafka: TestKafka) -> Iterator[str]:
    """Provide a value of `topic_prefix`: topics of the test's own on the shared broker, deleted afterwards."""
    prefix = f"t{uuid.uuid4().hex[:12]}."
    yield prefix
    kafka.delete_topics(prefix)
