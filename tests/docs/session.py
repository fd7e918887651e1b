"""A shell that runs the commands of a page, block after block."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.docs.pages import BASH

PROGRAMS = Path(sys.executable).parent
WITHIN = 120.0  # seconds for one block


class Session:
    """A shell that keeps its variables between blocks. It stops at the first command that fails."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [BASH, "-s"],
            env={**environment, "PATH": f"{PROGRAMS}{os.pathsep}{environment['PATH']}"},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write("set -emo pipefail\n")

    def run(self, commands: str) -> str:
        """Run commands and return what they print. Raises AssertionError if one fails."""
        # Readers have activated the environment, or are in the checkout.
        commands = commands.replace(".venv/bin/", "").replace('eval "$(penchant env)"\n', "")
        end = f"done-{uuid4().hex}"
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{commands}\necho; echo {end}\n")
        stdin.flush()
        printed: list[str] = []
        for line in stdout:
            if line.strip() == end:
                return "".join(printed)
            printed.append(line)
        raise AssertionError("a command failed; printed until then:\n" + "".join(printed))

    def value(self, name: str) -> str:
        """Return the value of a variable."""
        return self.run(f'echo "${name}"').strip()

    def close(self) -> None:
        """End the shell and the processes that it started in the background."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            # With job control (`set -m`) a job is a process group, which ends as a whole.
            self._process.stdin.write("\nfor job in $(jobs -p); do kill -- -$job || true; done\nexit 0\n")
            self._process.stdin.flush()
        # Read the rest of the output, and close both pipes.
        self._process.communicate(timeout=WITHIN)


def json_objects(printed: str) -> list[Any]:
    """Return the JSON objects in the output; answers need not end with a line break."""
    decoder, found = json.JSONDecoder(), []
    place = printed.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(printed, place)
        except ValueError:
            end = place + 1
        else:
            found.append(value)
        place = printed.find("{", end)
    return found
