"""Quix Streams doing the same work as labeling, in an environment of its own because its dependencies differ."""

import asyncio
import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.place import Sandbox

FOLDER = Path(__file__).parent
LOCK = FOLDER / "requirements.lock"
ENVIRONMENTS = Path(__file__).parents[3] / ".bench"
WITHIN = 300.0  # seconds


async def clicks_per_second(sandbox: Sandbox, total: int) -> float:
    """Count all clicks on `tracking.clicks`; return the speed from the first click to the last."""
    python = await asyncio.to_thread(environment)
    with TemporaryDirectory(prefix="penchant-quix-") as folder:
        process = await asyncio.create_subprocess_exec(
            python, str(FOLDER / "counting.py"), sandbox.settings.kafka, f"{sandbox.prefix}tracking.clicks", str(total),
            folder, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            output, _ = await asyncio.wait_for(process.communicate(), WITHIN)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, f"Quix Streams ended with {process.returncode}"
    return float(output)


def environment() -> Path:
    """Return the Python of an environment with the locked packages; create the environment at the first call."""
    checksum = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = ENVIRONMENTS / f"quix-{checksum}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*install, "--requirement", str(LOCK)], check=True, stdout=sys.stderr)
        done.touch()
    return python
