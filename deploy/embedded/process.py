"""The command, the environment and the user of a server process."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """A program in the foreground. `user` is set if it must not run as root; `stop_signal` stops it cleanly."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"

    def spawn(self, log: Path) -> subprocess.Popen[bytes]:
        """Start it without supervisor, in a new process group, with its output appended to `log`."""
        with log.open("ab") as output:
            return subprocess.Popen(
                self.arguments,
                env={**os.environ, **self.environment},
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self) -> str:
        """Run it until it ends, and return its output. Raises subprocess.CalledProcessError."""
        completed = subprocess.run(
            self.arguments,
            env={**os.environ, **self.environment},
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
            text=True,
        )
        return completed.stdout
