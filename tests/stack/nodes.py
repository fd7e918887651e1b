"""A real Kafka and a real PostgreSQL that a test can stop, kill and start again."""

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres
from deploy.embedded.process import Command
from tests.stack.coroutines import run_async
from tests.stack.databases import DatabaseServer

READY_WITHIN_SECONDS = 150.0
STOPPED_WITHIN_SECONDS = 30.0


@contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """Provide a folder for a server's files, and remove it afterwards.

    It is not below pytest's own folder, which only its user can read: for root, PostgreSQL runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix=f"penchant-{name}-") as folder:
        yield Path(folder) / name


def _frozen(process: psutil.Process) -> bool:
    return all(psutil.Process(thread.id).status() == psutil.STATUS_STOPPED for thread in process.threads())


class Node:
    """One server process: `start`, `stop` (cleanly), `kill` (as a power cut would), `pause` and `resume`."""

    def __init__(self, command: Command, log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """Return the text of the server's log."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if not self.running:
            self._process = self._command.spawn(self._log)
        self.wait_ready()

    def stop(self) -> None:
        self._end(getattr(signal, f"SIG{self._command.stop_signal}"))

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the server and the processes that it started; return once none of their threads runs any more."""
        family = self._family()
        for process in family:
            process.suspend()
        deadline = time.monotonic() + STOPPED_WITHIN_SECONDS
        # A running thread stops a little after the signal is sent, and may answer in between.
        while not all(_frozen(process) for process in family):
            assert time.monotonic() < deadline, "it goes on although it was told to pause"
            time.sleep(0.001)

    def resume(self) -> None:
        for process in self._family():
            process.resume()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not run_async(self._answers):
            assert self.running, f"it ended at once:\n{self._log.read_text()[-4000:]}"
            assert time.monotonic() < deadline, f"it never answered:\n{self._log.read_text()[-4000:]}"

    async def _answers(self) -> bool:
        raise NotImplementedError

    def _family(self) -> list[psutil.Process]:
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    def _end(self, signal_number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal_number)
        self._process.wait(STOPPED_WITHIN_SECONDS)


class KafkaNode(Node):
    def __init__(self, folder: Path) -> None:
        port = free_port()
        self._kafka = Kafka(folder, port, free_port({port}))
        super().__init__(self._kafka.prepare(), folder / "kafka.log")

    @property
    def bootstrap(self) -> str:
        return self._kafka.bootstrap

    def delete_topics(self, prefix: str) -> None:
        delete_topics(self.bootstrap, prefix)

    async def _answers(self) -> bool:
        return await broker_answers(self.bootstrap)


class PostgresNode(Node, DatabaseServer):
    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        DatabaseServer.__init__(self)
        self._postgres = Postgres(folder, free_port(), password="postgres", durable=durable)
        Node.__init__(self, self._postgres.prepare(lambda _: None), folder.with_name(f"{folder.name}.log"))

    @property
    def dsn(self) -> str:
        return self._postgres.dsn()

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn, timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            await asyncio.sleep(0.05)
            return False
        await connection.close()
        return True

    def _end(self, signal_number: int) -> None:
        # The children of a killed postmaster live on for a moment, and a new one cannot start beside them.
        children = psutil.Process(self.pid).children() if self.running else []
        super()._end(signal_number)
        _, alive = psutil.wait_procs(children, STOPPED_WITHIN_SECONDS)
        assert not alive, alive


async def broker_answers(bootstrap: str) -> bool:
    """Return whether the broker answers with metadata and the cluster has a leader; an open port is not enough."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
    except (KafkaError, OSError, TimeoutError):
        await asyncio.sleep(0.1)
        return False
    finally:
        await client.close()
    return True


def delete_topics(bootstrap: str, prefix: str) -> None:
    """Remove every topic whose name begins with `prefix`."""

    async def work() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            names = [name for name in await admin.list_topics() if name.startswith(prefix)]
            if names:
                await admin.delete_topics(names)
        finally:
            await admin.close()

    run_async(work)
