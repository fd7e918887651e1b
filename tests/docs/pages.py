"""The shell blocks of a page of the documentation, as a reader would type them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.docs.conftest import WITHIN, Shop

BASH = shutil.which("bash") or "/bin/bash"
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_SHELL = re.compile(r"^```(?:bash|sh|shell|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def shell_blocks(page: str) -> list[str]:
    """Return all shell blocks of a page; its path is relative to the root of the project."""
    return _SHELL.findall((ROOT / page).read_text(encoding="utf-8"))


def blocks(page: str) -> list[str]:
    """Return all shell blocks of a page except the first, which asks a running stack for its environment."""
    found = re.findall(r"```bash\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert "penchant env" in found[0]
    return found[1:]


def run_blocks(shop: Shop, *blocks: str, folder: Path | None = None, status: int = 0) -> str:
    """Run blocks in one shell, in `folder`; return their output. Fail if they exit with another status."""
    script = "\n".join(["set -euo pipefail", *blocks])
    done = subprocess.run(
        [BASH, "-c", script], env=shop.environment, capture_output=True, text=True, timeout=3 * WITHIN, check=False,
        cwd=folder, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def json_values(text: str) -> list[Any]:
    """Return the JSON values that commands printed one after the other."""
    found, decoder = [], json.JSONDecoder()
    rest = text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found
