"""The hashes of the previous version's migrations, for comparison with the current migrations.

`python -m tests.shared.store.previous_version COMMIT` replaces them with the hashes of a commit. Run it with the commit
of each version that is released. Until the first release, the previous version is the first commit whose migrations
have their current names.
"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[3]
KEPT = Path(__file__).parent / "previous_version.json"
SERVICES = ("tracking", "labeling", "segmentation", "workflow", "delivery", "console")
RUNTIME = "shared/store/migrations"

Hashes = dict[str, dict[str, str]]


def keep(commit: str) -> None:
    """Write the hashes of a commit's migrations to `previous_version.json`."""
    with tempfile.TemporaryDirectory() as folder:
        extract(commit, Path(folder))
        hashes = {name: hashes_of(Path(folder) / name) for name in (RUNTIME, *map(migrations_of, SERVICES))}
    KEPT.write_text(json.dumps({"commit": commit, "migrations": hashes}, indent=2) + "\n", encoding="utf-8")


def extract(commit: str, folder: Path) -> None:
    """Write the services of a commit, and what they import, to a folder. Raises CalledProcessError if git lacks it."""
    command = ["git", "-C", str(ROOT), "archive", commit, "services", "shared"]
    archive = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def migrations_of(service: str) -> str:
    """Return the folder of a service's migrations, relative to the root."""
    return f"services/{service}/migrations"


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each migration in the folder, by file name."""
    files = sorted(file for file in folder.iterdir() if file.suffix in {".sql", ".py"} and file.stem != "__init__")
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in files}


def kept_commit() -> str:
    """Return the commit of the previous version."""
    commit: str = json.loads(KEPT.read_text(encoding="utf-8"))["commit"]
    return commit


def kept_hashes() -> Hashes:
    """Return the hashes of the previous version's migrations, by folder and file name."""
    hashes: Hashes = json.loads(KEPT.read_text(encoding="utf-8"))["migrations"]
    return hashes


if __name__ == "__main__":
    keep(sys.argv[1])
