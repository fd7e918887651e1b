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


def test_a_running_stack_says_where_everything_is(home: Path) -> None:
    (home / "stack.json").write_text(json.dumps(STACK))

    settings = CommandLineSettings.read()

    assert settings.kafka == "127.0.0.1:1111"
    assert settings.partitions == 4
    assert settings.url("labeling") == "http://127.0.0.1:8102"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "from-stack"
    assert settings.operator_key is not None
    assert "operator" not in repr(settings.operator_key)


def test_the_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "stack.json").write_text(json.dumps(STACK))
    monkeypatch.setenv("PENCHANT_API_KEY", "from-environment")
    monkeypatch.setenv("PENCHANT_TRACKING_URL", "https://click.example.com")

    settings = CommandLineSettings.read()

    assert settings.url("tracking") == "https://click.example.com"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "from-environment"


def test_a_stack_that_was_stopped_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    (stopped / "stack.json").write_text(json.dumps(STACK))
    monkeypatch.setenv("PENCHANT_HOME", str(stopped))

    with pytest.raises(NothingRuns, match=rf"Nothing runs in {stopped}"):
        CommandLineSettings.read().url("labeling")
    with pytest.raises(NothingRuns, match=rf"Which Kafka\? Nothing runs in {stopped}"):
        CommandLineSettings.read().with_kafka()


def test_the_kafka_of_the_environment_is_enough_to_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NothingRuns):
        CommandLineSettings.read().with_kafka()
    monkeypatch.setenv("PENCHANT_KAFKA", "kafka:9092")
    assert CommandLineSettings.read().with_kafka().kafka == "kafka:9092"


@pytest.mark.parametrize("content", [None, "", "{", "{}"])
def test_without_a_stack_the_user_learns_what_to_do(home: Path, content: str | None) -> None:
    if content is not None:
        (home / "stack.json").write_text(content)
    settings = CommandLineSettings.read()

    assert not settings.knows("segmentation")
    with pytest.raises(NothingRuns, match=r"make run.*PENCHANT_SEGMENTATION_URL"):
        settings.url("segmentation")
