"""Fixtures of the scenarios: four running services, an inbox and the environment of the command line."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from deploy.command_line.settings import CommandLineSettings
from deploy.embedded.account import delivery_key
from deploy.embedded.inbox import Inbox
from deploy.embedded.ports import free_port
from tests.conftest import TestKafka, TestPostgres
from tests.scenarios.scene import Scene, services_of
from tests.stack.processes import start_all
from tests.stack.sandbox import OPERATOR_KEY, Sandbox


@pytest.fixture(scope="package")
def scene(kafka: TestKafka, postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Provide the four running services; each scenario creates its own accounts."""
    sandbox = Sandbox(kafka, postgres, tmp_path_factory.mktemp("everything"))
    services = services_of(sandbox)
    try:
        start_all(services.values())
        yield Scene(sandbox, services)
    finally:
        sandbox.clear()


@pytest.fixture(scope="package")
def inbox(scene: Scene) -> Iterator[Path]:
    """Provide the folder to which mails are delivered, with a running delivery service."""
    folder = scene.sandbox.folder / "command_line" / "inbox"
    controller = Controller(Inbox(folder), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        scene.sandbox.service(
            "delivery",
            PENCHANT_SMTP=f"smtp://127.0.0.1:{controller.port}",
            PENCHANT_DELIVERY_KEY=asyncio.run(delivery_key(scene.url("labeling"), OPERATOR_KEY)),
            PENCHANT_TRACKING_URL=scene.url("tracking"),
            PENCHANT_PREFERENCES_URL=scene.url("labeling"),
        ).start()
        yield folder
    finally:
        controller.stop()


@pytest.fixture(scope="package")
def command_line_environment(scene: Scene) -> dict[str, str]:
    """Provide the environment variables by which the command line finds the four services."""
    sandbox = scene.sandbox
    return {
        "PENCHANT_HOME": str(sandbox.folder / "command_line"),
        "PENCHANT_KAFKA": sandbox.settings.kafka,
        "PENCHANT_TOPIC_PREFIX": sandbox.prefix,
        "PENCHANT_PARTITIONS": str(sandbox.partitions),
        "PENCHANT_OPERATOR_KEY": OPERATOR_KEY,
        **{f"PENCHANT_{name.upper()}_URL": process.url for name, process in scene.services.items()},
    }


@pytest.fixture
def command_line(command_line_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CommandLineSettings:
    """Set the environment as `eval "$(penchant env)"` does in a shell."""
    for name, value in command_line_environment.items():
        monkeypatch.setenv(name, value)
    return CommandLineSettings.read()
