"""The command line's settings come from the running stack and from the environment."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.command_line.settings import CommandLineSettings, NothingRuns
from deploy.embedded.home import Home

STACK = {
    "kafka": "127.0.0.1:1111",
    "urls": {"tracking": "http://127.0.0.1:8101", "labeling": "http://127.0.0.1:8102/"},
    "databases": {"tracking": "postgresql://secret"},
    "partitions": 4,
    "api_key": "from-stack",
    "operator_key": "operator",
    "pids": {},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("KAFKA", "API_KEY", "OPERATOR_KEY", "PARTITIONS", "TRACKING_URL", "LABELING_URL", "SEGMENTATION_URL"):
        monkeypatch.delenv(f"PENCHANT_{name}", raising=False)
    monkeypatch.setenv("PENCHANT_HOME", str(tmp_path))
    home = Home.at(tmp_path)
    home.make()
    lock = home.lock()
    yield tmp_path
    os.close(lock)


def test_settings_are_read_from_the_running_stack(home: Path) -> None:
    (home / "stack.json").write_text(json.dumps(STACK))

    settings = CommandLineSettings.read()

    assert settings.kafka == "127.0.0.1:1111"
    assert settings.partitions == 4
    assert settings.url("labeling") == "http://127.0.0.1:8102"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "from-stack"
    assert settings.operator_key is not None
    assert "operator" not in repr(settings.operator_key)


def test_environment_variables_override_the_stack(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "stack.json").write_text(json.dumps(STACK))
    monkeypatch.setenv("PENCHANT_API_KEY", "from-environment")
    monkeypatch.setenv("PENCHANT_TRACKING_URL", "https://click.example.com")

    settings = CommandLineSettings.read()

    assert settings.url("tracking") == "https://click.example.com"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "from-environment"


def test_settings_of_a_stopped_stack_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    (stopped / "stack.json").write_text(json.dumps(STACK))
    monkeypatch.setenv("PENCHANT_HOME", str(stopped))

    with pytest.raises(NothingRuns, match=rf"Nothing runs in {stopped}"):
        CommandLineSettings.read().url("labeling")
    with pytest.raises(NothingRuns, match=rf"The address of Kafka is unknown\. Nothing runs in {stopped}"):
        CommandLineSettings.read().with_kafka()


def test_with_kafka_requires_only_the_address_of_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NothingRuns):
        CommandLineSettings.read().with_kafka()
    monkeypatch.setenv("PENCHANT_KAFKA", "kafka:9092")
    assert CommandLineSettings.read().with_kafka().kafka == "kafka:9092"


@pytest.mark.parametrize("content", [None, "", "{", "{}"])
def test_the_error_without_a_stack_names_the_command_and_the_variable(home: Path, content: str | None) -> None:
    if content is not None:
        (home / "stack.json").write_text(content)
    settings = CommandLineSettings.read()

    assert not settings.knows("segmentation")
    with pytest.raises(NothingRuns, match=r"make run.*PENCHANT_SEGMENTATION_URL"):
        settings.url("segmentation")
