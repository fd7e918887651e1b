"""The two lock files: packages for running, and packages for running and testing."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pinned(name: str) -> dict[str, str]:
    """Return the versions in a lock, by package."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE))


def names_of(requirements: list[str]) -> set[str]:
    """Return the names of the required packages."""
    return {re.split(r"[<>=\[; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def test_the_run_lock_is_a_subset_of_the_full_lock() -> None:
    running, testing = pinned("requirements-run.lock"), pinned("requirements.lock")
    assert running.items() <= testing.items(), "write both with `make lock`"


def test_each_lock_contains_the_required_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert names_of([*project["dependencies"], *extras["build"]]) <= pinned("requirements-run.lock").keys()
    assert names_of([*project["dependencies"], *extras["dev"]]) <= pinned("requirements.lock").keys()
    only_for_tests = names_of(extras["dev"]) - names_of([*project["dependencies"], *extras["build"]])
    assert not {"pytest", "mypy", "ruff", "playwright"} & pinned("requirements-run.lock").keys()
    assert {"pytest", "mypy", "ruff", "playwright"} <= only_for_tests
