"""Resources of one test: topics under a prefix, databases, and processes."""

from pathlib import Path
from uuid import uuid4

from shared.settings import CommonSettings
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.processes import ROOT, ServiceProcess
from tests.stack.shared import SharedKafka, SharedPostgres

OPERATOR_KEY = "operator-of-the-tests"
TOKEN_KEYS = "one:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Sandbox:
    """Topics, databases and processes of one test or measurement on the two servers; `clear` removes them."""

    def __init__(
        self,
        kafka: KafkaNode | SharedKafka,
        postgres: PostgresNode | SharedPostgres,
        folder: Path,
        partitions: int = 4,
        *,
        forked: bool = True,
        **settings: str,
    ) -> None:
        self.prefix = f"t{uuid4().hex[:10]}."
        self.partitions = partitions
        self.folder = folder
        self.databases: dict[str, str] = {}
        self.processes: list[ServiceProcess] = []
        self._kafka = kafka
        self._postgres = postgres
        self._forked = forked
        self._extra = settings

    @property
    def settings(self) -> CommonSettings:
        """The settings of the services in this sandbox."""
        return CommonSettings(kafka=self._kafka.bootstrap, topic_prefix=self.prefix, partitions=self.partitions)

    def database(self, service: str) -> str:
        """Return the DSN of a service's database, which is created at the first call, with its tables."""
        if service not in self.databases:
            name = f"{service}_{uuid4().hex}"
            folder = ROOT / "services" / service / "migrations"
            self.databases[service] = self._postgres.create_migrated(name, folder)
        return self.databases[service]

    def empty_database(self, name: str) -> str:
        """Create a database without tables for a program that is not a service; return its DSN."""
        self.databases[name] = self._postgres.create_database(f"{name}_{uuid4().hex}")
        return self.databases[name]

    def service(self, service: str, *roles: str, module: str | None = None, **environment: str) -> ServiceProcess:
        """Return a process of a service, not started yet. Without `roles` it is both API and worker."""
        return self.service_of(ROOT, service, *roles, module=module, **environment)

    def service_of(
        self, root: Path, service: str, /, *roles: str, module: str | None = None, **environment: str
    ) -> ServiceProcess:
        """Return a process of a service whose code is in the folder `root`; see `service`."""
        common = {
            "PENCHANT_KAFKA": self._kafka.bootstrap,
            "PENCHANT_TOPIC_PREFIX": self.prefix,
            "PENCHANT_PARTITIONS": str(self.partitions),
            "PENCHANT_HOME": str(self.folder / "home"),
            "PENCHANT_LOG_LEVEL": "info",
            "PENCHANT_OPERATOR_KEY": OPERATOR_KEY,
            "PENCHANT_TRACKING_KEYS": TOKEN_KEYS,
            f"PENCHANT_{service.upper()}_DATABASE": self.database(service),
        }
        extra = {f"PENCHANT_{name.upper()}": value for name, value in self._extra.items()}
        log = self.folder / f"{service}-{'-'.join(roles)}-{len(self.processes)}.log"
        arguments = [part for role in roles for part in ("--role", role)]
        process = ServiceProcess(
            module or f"services.{service}", common | extra | environment, log, f"PENCHANT_{service.upper()}_PORT",
            arguments, root, forked=self._forked,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def clear(self) -> None:
        """End the processes; remove databases and topics."""
        for process in self.processes:
            process.end()
        for dsn in self.databases.values():
            self._postgres.drop_database(dsn.rpartition("/")[2])
        self._kafka.delete_topics(self.prefix)
