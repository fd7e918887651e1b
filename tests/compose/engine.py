"""Run docker-compose.yml with Docker, as a project of the tests and on free ports."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "penchant-test"  # not the operator's project, because the tests delete its volumes
WITHIN = 900  # seconds
_ASK = """
import sys, urllib.request
url, key = sys.argv[1:]
print(urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})).read().decode())
"""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Compose:
    """The command line of Compose for the project of the tests."""

    ports: Mapping[str, str] = field(
        default_factory=lambda: {
            f"PENCHANT_{name}_PORT": str(_free_port()) for name in ("HTTP", "HTTPS", "MAIL", "GRAFANA")
        }
    )

    @property
    def url(self) -> str:
        """The URL of the proxy, as seen from the host."""
        return f"http://localhost:{self.ports['PENCHANT_HTTP_PORT']}"

    def run(self, *arguments: str) -> str:
        """Run `docker compose` and return its output; raise AssertionError with the error output if it fails."""
        done = self._docker("compose", "--project-name", PROJECT, *arguments)
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}: {done.stderr[-4000:]}{done.stdout[-2000:]}"
        return done.stdout

    def up(self) -> None:
        """Start all containers and wait until they are healthy; no image is pulled."""
        self.run("up", "--detach", "--wait", "--pull", "never")

    def config(self) -> dict[str, Any]:
        """Return the file as Compose reads it."""
        read: dict[str, Any] = json.loads(self.run("config", "--format", "json"))
        return read

    def containers(self) -> list[dict[str, Any]]:
        """Return Compose's status of each container, including those that have exited."""
        return [json.loads(line) for line in self.run("ps", "--all", "--format", "json").splitlines()]

    def ask(self, service: str, path: str, key: str) -> Any:
        """Request a path of a service's API; return the answer.

        The request is made inside a container, because the API is not reachable from outside.
        """
        name, port = {"tracking": ("tracking-api", 8101), "labeling": ("labeling-api", 8102)}[service]
        return json.loads(self.run("exec", "-T", name, "python", "-c", _ASK, f"http://127.0.0.1:{port}{path}", key))

    def engine(self, *arguments: str) -> str:
        """Run `docker` and return its output."""
        done = self._docker(*arguments)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def missing(self) -> str | None:
        """Return the reason why the stack cannot be started here, or None."""
        if shutil.which("docker") is None:
            return "the command docker is not installed"
        if self._docker("info").returncode or self._docker("compose", "version").returncode:
            return "no Docker engine with Compose is available"
        images = sorted(set(self.run("config", "--images").split()))
        absent = [image for image in images if self._docker("image", "inspect", image).returncode]
        return f"the engine does not have the images {', '.join(absent)}" if absent else None

    def _docker(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command: Sequence[str] = ("docker", *arguments)
        environment = {**os.environ, **self.ports}
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=WITHIN,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


@contextmanager
def running() -> Iterator[Compose]:
    """Start the stack, and remove it with its data afterwards."""
    compose = Compose()
    try:
        compose.up()
        yield compose
    finally:
        compose.run("down", "--volumes", "--timeout", "10")
