"""`make clean` protects the user's data."""

import fcntl
import subprocess
import sys
from pathlib import Path

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def clean(folder: Path, answer: str) -> subprocess.CompletedProcess[str]:
    """Run `make clean` in a folder, with an answer to its prompt."""
    return subprocess.run(
        ["make", "-f", str(MAKEFILE), "clean", f"PYTHON={sys.executable}"],  # noqa: S607 - the user's own make
        cwd=folder, input=answer, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_clean_refuses_while_a_stack_uses_the_data(tmp_path: Path) -> None:
    home = tmp_path / ".penchant"
    home.mkdir()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = clean(tmp_path, "y\n")
    assert refused.returncode != 0
    assert "A stack uses .penchant" in refused.stdout
    assert home.exists()


def test_clean_asks_for_confirmation(tmp_path: Path) -> None:
    home = tmp_path / ".penchant"
    home.mkdir()
    (home / "lock").touch()
    assert clean(tmp_path, "n\n").returncode != 0
    assert home.exists()
    assert clean(tmp_path, "y\n").returncode == 0
    assert not home.exists()
