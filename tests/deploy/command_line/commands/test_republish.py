"""The command `republish`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from deploy.command_line.app import app
from shared.events.codec import decode
from tests.conftest import TestKafka, TestPostgres
from tests.stack.sandbox import OPERATOR_KEY, TOKEN_KEYS, Sandbox
from tests.stack.topics import read_topic
from tests.stack.waiting import until

TOPIC = "labeling.catalog"


@pytest.fixture
def sandbox(kafka: TestKafka, postgres: TestPostgres, tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox(kafka, postgres, tmp_path)
    yield made
    made.clear()


def test_a_topic_is_republished_with_the_same_ids_and_sequences(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labeling = sandbox.service("labeling").start()
    body = {"name": "Paws", "time_zone": "Europe/Brussels"}
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    httpx.post(f"{labeling.url}/v1/accounts", json=body, headers=headers, timeout=30).raise_for_status()
    asyncio.run(until(lambda: read_topic(sandbox.settings, TOPIC)))
    assert labeling.terminate() == 0
    for name, value in {
        "HOME": str(tmp_path / "nothing"),
        "KAFKA": sandbox.settings.kafka,
        "TOPIC_PREFIX": sandbox.prefix,
        "PARTITIONS": str(sandbox.partitions),
        "LABELING_DATABASE": sandbox.database("labeling"),
        "TRACKING_KEYS": TOKEN_KEYS,
    }.items():
        monkeypatch.setenv(f"PENCHANT_{name}", value)

    result = CliRunner().invoke(app, ["republish", TOPIC])

    assert result.exit_code == 0
    records = asyncio.run(read_topic(sandbox.settings, TOPIC))
    first, second = (decode(TOPIC, record.key, record.value, dict(record.headers)) for record in records)
    assert first == second


def test_a_topic_that_no_service_writes_is_a_usage_error() -> None:
    for topic in ("intake.clicks", "intake.clicks.dead", "nothing"):
        assert CliRunner().invoke(app, ["republish", topic]).exit_code == 2
