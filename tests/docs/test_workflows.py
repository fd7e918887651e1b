"""The commands of docs/workflows.md, as a reader would type them."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.docs.conftest import WITHIN, Shop, until

BASH = shutil.which("bash") or "/bin/bash"
PAGE = Path(__file__).parents[2] / "docs" / "workflows.md"


def blocks() -> list[str]:
    """The shell blocks of the page, but the first, which asks a running stack for its environment."""
    found = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert "penchant env" in found[0]
    return found[1:]


def test_the_example_of_the_page(shop: Shop) -> None:
    made, written, asked, tried, shown = blocks()
    script = "\n".join(["set -euo pipefail", made, written, asked, tried, 'echo "workflow=$workflow"', shown])
    done = subprocess.run(
        [BASH, "-c", script], env=shop.environment, capture_output=True, text=True, timeout=WITHIN, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'runs_at_once': 1, 'messages_at_once': 1" in done.stdout
    workflow = re.findall(r"workflow=([0-9a-f-]{36})", done.stdout)[0]

    def run() -> Any:
        items = shop.call("workflow", "GET", f"/v1/workflows/{workflow}/runs")["items"]
        return items[0] if items else None

    assert until(run)["state"] in ("running", "finished")
    steps = shop.call("workflow", "GET", f"/v1/workflows/{workflow}/steps")["items"]
    assert [step["id"] for step in steps][:4] == ["office", "guide", "half", "bought"]
