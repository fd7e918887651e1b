"""Fixtures that run the examples of the documentation as programs, on real services."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import TestKafka, TestPostgres
from tests.scenarios.scene import services_of
from tests.stack.processes import start_all
from tests.stack.sandbox import OPERATOR_KEY, Sandbox

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WITHIN = 60.0  # seconds


@dataclass
class Shop:
    """An account on running services; the examples run in `environment`."""

    environment: dict[str, str]
    http: httpx.Client
    folder: Path
    account_id: int
    running: list["Running"] = field(default_factory=list)

    def url(self, service: str) -> str:
        return self.environment[f"PENCHANT_{service.upper()}_URL"]

    def call(self, service: str, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, self.url(service) + path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def contact(self, email: str, **more: object) -> int:
        """Create a contact; return its id."""
        made = self.call("labeling", "POST", "/v1/contacts", {"email": email} | more)
        identity: int = made["contact_id"]
        return identity

    def labels(self, contact: int) -> set[str]:
        """Return the names of the labels that the contact holds."""
        items = self.call("labeling", "GET", f"/v1/contacts/{contact}/labels")["items"]
        return {item["label_name"] for item in items if item["held"]}

    def example(self, name: str, *arguments: str) -> None:
        """Run an example until it exits."""
        command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        assert done.returncode == 0, done.stderr

    def start(self, name: str, *arguments: str) -> "Running":
        """Start an example that runs until it is stopped."""
        log = self.folder / f"{name}-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.running.append(Running(process, log))
        return self.running[-1]


@dataclass
class Running:
    """A running example."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    def stop(self) -> None:
        """Ask the process to terminate, and wait for a clean exit."""
        self.process.terminate()
        assert self.process.wait(WITHIN) == 0, self.output

    def kill(self) -> None:
        """Kill the process without warning."""
        self.process.kill()
        self.process.wait(WITHIN)


def until(condition: Callable[[], Any], failure: Callable[[], str] = str) -> Any:
    """Wait until `condition` returns something true, and return it."""
    deadline = time.monotonic() + WITHIN
    while not (found := condition()):
        assert time.monotonic() < deadline, failure()
        time.sleep(0.05)
    return found


@pytest.fixture(scope="package")
def services(
    kafka: TestKafka, postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """Provide all four services, shared by all pages, and their URLs by name. Each test has its own account."""
    sandbox = Sandbox(kafka, postgres, tmp_path_factory.mktemp("examples"))
    processes = services_of(sandbox)
    try:
        start_all(processes.values())
        yield sandbox, {name: process.url for name, process in processes.items()}
    finally:
        sandbox.clear()


@pytest.fixture
def shop(services: tuple[Sandbox, dict[str, str]], tmp_path: Path) -> Iterator[Shop]:
    """Provide an account for one test."""
    with _opened(services, tmp_path) as shop:
        yield shop


@pytest.fixture
def other_shop(services: tuple[Sandbox, dict[str, str]], tmp_path: Path) -> Iterator[Shop]:
    """Provide another account on the same services."""
    folder = tmp_path / "other"
    folder.mkdir()
    with _opened(services, folder) as shop:
        yield shop


@pytest.fixture
def evening_shop(services: tuple[Sandbox, dict[str, str]], tmp_path: Path) -> Iterator[Shop]:
    """Provide an account in whose time zone it is eight in the evening, whenever the test runs."""
    hours = 20 - datetime.now(UTC).hour  # east of UTC; zones reach from -12 to +14
    hours -= 24 if hours > 14 else 0
    with _opened(services, tmp_path, time_zone=f"Etc/GMT{-hours:+}") as shop:  # the sign of these names is reversed
        yield shop


@contextmanager
def _opened(services: tuple[Sandbox, dict[str, str]], folder: Path, time_zone: str = "UTC") -> Iterator[Shop]:
    sandbox, urls = services
    operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    body = {"name": "Shop", "time_zone": time_zone}
    account = httpx.post(f"{urls['labeling']}/v1/accounts", json=body, headers=operator, timeout=30).json()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PENCHANT_")},
        **{f"PENCHANT_{name.upper()}_URL": url for name, url in urls.items()},
        "PENCHANT_KAFKA": sandbox.settings.kafka,
        "PENCHANT_TOPIC_PREFIX": sandbox.prefix,
        "PENCHANT_API_KEY": account["api_key"],
        "PIPELINE_GROUP": f"{sandbox.prefix}pipeline-{account['account_id']}",
    }
    with httpx.Client(headers={"Authorization": f"Bearer {account['api_key']}"}, timeout=30) as http:
        shop = Shop(environment, http, folder, account["account_id"])
        yield shop
        for example in shop.running:
            example.kill()
