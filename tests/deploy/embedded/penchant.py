"""The command line as a user runs it, in processes, with its own home folder and ports."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.command_line.terminal import UNREACHABLE
from deploy.embedded.ports import free_port
from deploy.embedded.services import SERVICES

SERVERS = (*(name.upper() for name in SERVICES), "INBOX", "KAFKA", "KAFKA_CONTROLLER", "POSTGRES")


class Penchant:
    """The command line with its own home folder and ports."""

    def __init__(self, home: Path) -> None:
        self.home = home
        ports = {f"PENCHANT_{server}_PORT": str(free_port()) for server in SERVERS}
        self._environment = {**os.environ, **ports, "PENCHANT_HOME": str(home), "PENCHANT_PARTITIONS": "4"}

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (sys.executable, "-m", "deploy.command_line", *arguments),
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "deploy.command_line", *arguments),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ensure_running(self) -> None:
        """Start the stack in the background, unless it runs."""
        if self("status").returncode == UNREACHABLE:
            up = self("up", "--detach")
            assert up.returncode == 0, up.stdout + up.stderr

    def stack(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return content

    def kill(self, name: str) -> int:
        pid: int = self.stack()["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid
