"""The servers of measurements: a Kafka and a PostgreSQL, with a database and topics for each measurement."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from shared.settings import CommonSettings
from tests.scenarios.scene import SERVICES
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox as ServiceSandbox
from tests.stack.shared import SharedKafka, SharedPostgres

PARTITIONS = 12


@dataclass(frozen=True)
class Place:
    """The two servers, and a folder for logs."""

    kafka: KafkaNode | SharedKafka
    postgres: PostgresNode | SharedPostgres
    folder: Path

    def service_sandbox(self) -> ServiceSandbox:
        """Return a sandbox for several services; the caller clears it."""
        folder = self.folder / uuid4().hex
        folder.mkdir()
        # Garbage collections of a forked process skip imported modules. Start processes as users do.
        return ServiceSandbox(self.kafka, self.postgres, folder, PARTITIONS, forked=False, log_level="warning")

    @asynccontextmanager
    async def services(
        self, names: Sequence[str] = SERVICES
    ) -> AsyncIterator[tuple[ServiceSandbox, dict[str, ServiceProcess]]]:
        """Provide the sandbox, and running services in it by name, by default all four."""
        sandbox = self.service_sandbox()
        try:
            processes = {name: sandbox.service(name) for name in names}
            for process in processes.values():
                process.start(ready=False)
            for process in processes.values():
                await asyncio.to_thread(process.wait_ready)
            yield sandbox, processes
        finally:
            sandbox.clear()

    @contextmanager
    def sandbox(self) -> Iterator["Sandbox"]:
        """Provide topics and databases of one measurement, which are removed afterwards."""
        sandbox = Sandbox(self, f"bench{uuid4().hex[:8]}.")
        try:
            yield sandbox
        finally:
            for process in sandbox.processes:
                process.end()
            for name in sandbox.databases:
                self.postgres.drop_database(name)
            self.kafka.delete_topics(sandbox.prefix)


class Sandbox:
    """Topics under a prefix of their own, databases, and the processes that work on them."""

    def __init__(self, place: Place, prefix: str) -> None:
        self.place = place
        self.prefix = prefix
        self.databases: list[str] = []
        self.processes: list[ServiceProcess] = []

    @property
    def settings(self) -> CommonSettings:
        return CommonSettings(kafka=self.place.kafka.bootstrap, topic_prefix=self.prefix, partitions=PARTITIONS)

    def database(self) -> str:
        """Create an empty database; return its DSN."""
        name = f"bench_{uuid4().hex}"
        self.databases.append(name)
        return self.place.postgres.create_database(name)

    def process(self, module: str, port_setting: str, environment: dict[str, str], *arguments: str) -> ServiceProcess:
        """Return a process of a service with these settings, not started yet."""
        common = {
            "PENCHANT_KAFKA": self.place.kafka.bootstrap,
            "PENCHANT_TOPIC_PREFIX": self.prefix,
            "PENCHANT_PARTITIONS": str(PARTITIONS),
            "PENCHANT_HOME": str(self.place.folder / self.prefix),
            "PENCHANT_LOG_LEVEL": "warning",
            # The next process is a new member of the group; it gets no partitions until the previous member is removed.
            "PENCHANT_KAFKA_SESSION_TIMEOUT": "6",
        }
        log = self.place.folder / f"{self.prefix}{len(self.processes)}.log"
        process = ServiceProcess(module, common | environment, log, port_setting, arguments)
        self.processes.append(process)
        return process


@contextmanager
def make_place() -> Iterator[Place]:
    """Start durable servers for this run, or use those named by the environment."""
    kafka, postgres = os.environ.get("PENCHANT_TEST_KAFKA"), os.environ.get("PENCHANT_TEST_POSTGRES")
    with TemporaryDirectory(prefix="penchant-bench-") as name:
        folder = Path(name)
        if kafka and postgres:
            yield Place(SharedKafka(kafka), SharedPostgres(postgres), folder)
            return
        (folder / "kafka").mkdir()
        broker, server = KafkaNode(folder / "kafka"), PostgresNode(folder / "postgres", durable=True)
        try:
            broker.start()
            server.start()
            yield Place(broker, server, folder)
        finally:
            broker.kill()
            server.stop()
