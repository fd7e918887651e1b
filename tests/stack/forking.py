"""Processes of services, forked from a process that has imported the service; see `fork_server`."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

FOLDER = Path(__file__).parents[2]


class Process(Protocol):
    """The part of `subprocess.Popen` that the tests use."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process has ended. Raises subprocess.TimeoutExpired."""

    def send_signal(self, sig: int) -> None:
        """Send a signal unless the process has ended."""


class ForkServer:
    """The process that has imported `module`, and is forked."""

    def __init__(self, module: str) -> None:
        self._module = module
        own, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.stack.fork_server", module, str(its.fileno())],
                cwd=FOLDER,
                env={name: value for name, value in os.environ.items() if not name.startswith("PENCHANT_")},
                stdin=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,
            )
        self._connection = own
        self._answers = own.makefile("r", encoding="utf-8")
        self._lock = Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> "ForkedProcess":
        """Start a process as `python -m <module>` would, in the folder of the project, its output appended to `log`."""
        request = {"arguments": [*arguments], "environment": {**environment}, "folder": str(FOLDER), "log": str(log)}
        return ForkedProcess(self, self.ask(request)["pid"])

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        with self._lock:
            try:
                self._connection.sendall(json.dumps(request).encode() + b"\n")
                line = self._answers.readline()
            except ConnectionError:
                line = ""
            if not line:
                raise RuntimeError(f"the process that forks {self._module} has ended: {self._process.wait(10)}")
            answer: dict[str, Any] = json.loads(line)
            return answer

    def close(self) -> None:
        """End the server, and its forks that still run."""
        self._connection.shutdown(socket.SHUT_WR)
        self._process.wait()
        self._answers.close()
        self._connection.close()


class ForkedProcess:
    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._descriptor = os.pidfd_open(
            pid
        )  # readable once it has ended; its id is not used again before it is reaped
        self._code: int | None = None
        self._lock = Lock()

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self._code is None:
                ended = select.poll()
                ended.register(self._descriptor, select.POLLIN)
                if not ended.poll(None if timeout is None else timeout * 1000):
                    raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
                self._code = int(self._server.ask({"reap": self.pid})["code"])
                os.close(self._descriptor)
            return self._code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, sig)


_SERVERS: dict[str, ForkServer] = {}
_STARTING = Lock()


def fork_server_of(module: str) -> ForkServer | None:
    """Return the server that forks processes of a service, started at the first call; None if forking is impossible."""
    if not hasattr(os, "pidfd_open"):
        return None
    with _STARTING:
        if module in _SERVERS and not _SERVERS[module].running:
            _SERVERS.pop(module).close()
        if module not in _SERVERS:
            _SERVERS[module] = ForkServer(module)
        return _SERVERS[module]


def close_fork_servers() -> None:
    """End the servers, and the processes that still run."""
    while _SERVERS:
        _SERVERS.popitem()[1].close()
