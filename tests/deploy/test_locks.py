"""Two lock files: the requirements of running, and those of running and testing."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pinned(name: str) -> dict[str, str]:
    """Return the versions in a lock, by package."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE))


def wanted(requirements: list[str]) -> set[str]:
    """Return the names of the required packages."""
    return {re.split(r"[<>=\[; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def test_running_needs_nothing_else_than_testing() -> None:
    running, testing = pinned("requirements-run.lock"), pinned("requirements.lock")
    assert running.items() <= testing.items(), "write both with `make lock`"


def test_each_lock_has_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert wanted([*project["dependencies"], *extras["build"]]) <= pinned("requirements-run.lock").keys()
    assert wanted([*project["dependencies"], *extras["dev"]]) <= pinned("requirements.lock").keys()
    only_for_tests = wanted(extras["dev"]) - wanted([*project["dependencies"], *extras["build"]])
    assert not {"pytest", "mypy", "ruff", "playwright"} & pinned("requirements-run.lock").keys()
    assert {"pytest", "mypy", "ruff", "playwright"} <= only_for_tests
