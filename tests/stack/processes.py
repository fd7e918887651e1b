"""Processes of services, started, stopped, killed and paused by their own id."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.embedded.ports import free_port
from tests.stack.forking import Process, fork_server_of

ROOT = Path(__file__).parents[2]
READY_WITHIN = 150.0  # seconds, on a machine that is very busy
ENDED_WITHIN = 30.0  # seconds


class ServiceProcess:
    """`python -m <module>` with the settings `environment`. It serves on `port`; its output is in `log`.

    `root` is the folder of the code that it runs. With `forked` it starts sooner, by forking a process that has already
    imported its code; it then behaves the same.
    """

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str],
        log: Path,
        port_setting: str,
        arguments: Sequence[str] = (),
        root: Path = ROOT,
        *,
        forked: bool = False,
    ) -> None:
        self.port = int(environment.get(port_setting, free_port()))
        self.log = log
        self.arguments = [*arguments]
        self._root = root
        self._module = module
        self._forked = forked and root == ROOT
        # The environment of the tests must not change the services.
        around = {name: value for name, value in os.environ.items() if not name.startswith("PENCHANT_")}
        self._environment = {**around, **environment, port_setting: str(self.port)}
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, **environment: str) -> None:
        """Change settings of the next start."""
        self._environment |= environment

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, ready: bool = True) -> Self:
        """Start the process, and wait until it is ready unless `ready` is False."""
        server = fork_server_of(self._module) if self._forked else None
        if server is None:
            self._process = self._spawn()
        else:
            self._process = server.fork(self.arguments, self._environment, self.log)
        if ready:
            self.wait_ready()
        return self

    def _spawn(self) -> Process:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", self._module, *self.arguments],
                env=self._environment,
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not self.is_ready():
            assert self.running, f"it ended at once:\n{self.tail()}"
            assert time.monotonic() < deadline, f"it was never ready:\n{self.tail()}"
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=3) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill the process without warning, as a power cut would."""
        self._signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> int:
        """Send SIGTERM; return the exit code."""
        self._signal(signal.SIGTERM)
        return self.wait()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def wait(self, within: float = ENDED_WITHIN) -> int:
        """Wait for the process to end; return the exit code."""
        assert self._process is not None
        return self._process.wait(within)

    def end(self) -> None:
        """End the process, whatever its state."""
        if self.running:
            self._signal(signal.SIGKILL)
            self.wait()

    def tail(self, characters: int = 4000) -> str:
        """Return the last part of the output."""
        return self.log.read_text(errors="replace")[-characters:]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def start_all(processes: Iterable[ServiceProcess]) -> None:
    """Start processes concurrently, and wait until all of them are ready."""
    started = list(processes)
    for process in started:
        process.start(ready=False)
    for process in started:
        process.wait_ready()
