"""`docker compose up --wait`, where a Docker engine answers and has the images."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
WITHIN = 600  # seconds
DOCKER = shutil.which("docker") or "docker"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1500)]


def _docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run((DOCKER, *arguments), cwd=ROOT, check=check, capture_output=True, text=True, timeout=WITHIN)


def _missing() -> str | None:
    """Return why the stack cannot be started here; None if it can."""
    try:
        _docker("compose", "version")
        _docker("info")
    except (OSError, subprocess.CalledProcessError):
        return "no Docker engine with compose answers"
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    images = {service["image"] for service in services.values() if "profiles" not in service and "build" not in service}
    absent = [image for image in sorted(images) if _docker("image", "inspect", image, check=False).returncode]
    return f"the engine lacks {', '.join(absent)}" if absent else None


@pytest.fixture(scope="module")
def stack() -> Iterator[None]:
    reason = _missing()
    if reason is not None:
        pytest.skip(reason)
    _docker("compose", "up", "--detach", "--wait", "--pull", "never")
    yield
    _docker("compose", "down", "--volumes")


@pytest.mark.usefixtures("stack")
def test_every_service_is_healthy_and_the_demo_runs_inside() -> None:
    lines = _docker("compose", "ps", "--format", "json").stdout.splitlines()
    states = {entry["Service"]: entry["Health"] for entry in map(json.loads, lines)}
    assert {state for name, state in states.items() if name.endswith(("-api", "-worker"))} == {"healthy"}
    demo = _docker(
        "compose", "exec", "labeling-api", "python", "-m", "deploy.command_line", "demo", "--no-stay", "--json"
    )
    assert json.loads(demo.stdout)["assigned"]


@pytest.mark.usefixtures("stack")
def test_data_outlives_down_and_up() -> None:
    count = (
        "exec",
        "-T",
        "postgres",
        "psql",
        "-U",
        "postgres",
        "-d",
        "labeling",
        "-tAc",
        "SELECT count(*) FROM contacts",
    )
    before = _docker("compose", *count).stdout
    _docker("compose", "down")
    _docker("compose", "up", "--detach", "--wait", "--pull", "never")
    assert _docker("compose", *count).stdout == before
