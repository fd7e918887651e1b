"""The commands `dead-letters list`, `show` and `replay`."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from deploy.command_line.app import app
from deploy.command_line.settings import CommandLineSettings
from shared.bus.follower import Follower
from shared.bus.producer import IntakeProducer
from shared.bus.topics import ensure_topics
from tests.conftest import TestKafka
from tests.deploy.command_line.serving import Answer, Request, served

HELD = {
    "id": 12,
    "consumer": "labeling",
    "topic": "tracking.clicks",
    "partition": 3,
    "offset": 7,
    "account_id": 1,
    "contact_id": 5,
    "state": "failed",
    "reason": "ZeroDivisionError",
    "held_at": "2026-03-01T12:00:00Z",
}


class Services:
    """Answer as services of which only labeling has a held record, with one more record queued behind it."""

    def __init__(self) -> None:
        self.released: list[Any] = []

    def __call__(self, request: Request) -> Answer:
        path = request.path.partition("?")[0]
        if request.method == "POST":
            assert path == "/v1/labeling-held-records/replay"
            self.released.append(request.body)
            return Answer(200, {"released": 2})
        items = [HELD] if path == "/v1/labeling-held-records" and not self.released else []
        return Answer(200, {"items": items, "next_cursor": None, "total": len(items)})


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def settings(
    services: Services, kafka: TestKafka, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLineSettings]:
    with served(services) as served_settings:
        made = served_settings.model_copy(
            update={"kafka": kafka.bootstrap, "topic_prefix": topic_prefix, "operator_key": SecretStr("operator")}
        )
        asyncio.run(_publish_dead_letters(made))
        monkeypatch.setattr(CommandLineSettings, "read", lambda: made)
        yield made


async def _publish_dead_letters(settings: CommandLineSettings) -> None:
    await ensure_topics(settings)
    producer = IntakeProducer(settings)
    not_json = [
        ("dead_reason", b"not_json: [line] 1\x1b[2J"),
        ("dead_topic", b"intake.clicks"),
        ("dead_service", b"tracking"),
    ]
    unknown = [("dead_reason", b"?"), ("dead_topic", b"else.where")]
    await producer.send(
        "intake.clicks.dead",
        [(b"k", b"\xff", [("ce_id", b"1"), *not_json]), (b"k", b'{"a": 1}', not_json), (b"k", b"text", unknown)],
        within=30,
    )
    await producer.stop()


def dead_letters(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["dead-letters", *arguments])


def listed(*arguments: str) -> list[str]:
    return [json.loads(line)["id"] for line in dead_letters("list", "--json", *arguments).stdout.splitlines()]


async def _replayed_values(settings: CommandLineSettings) -> list[bytes | None]:
    async with Follower(settings, from_beginning=["intake.clicks"]) as follower:
        return [record.value for _, record in await follower.read_to_end()]


@pytest.mark.usefixtures("settings")
def test_held_records_and_dead_letters_are_listed_oldest_first() -> None:
    assert listed() == ["labeling:12", "intake.clicks.dead:0", "intake.clicks.dead:1", "intake.clicks.dead:2"]
    assert listed("--topic", "tracking.clicks") == ["labeling:12"]
    assert listed("--reason", "NOT_JSON") == ["intake.clicks.dead:0", "intake.clicks.dead:1"]


@pytest.mark.usefixtures("settings")
def test_control_characters_in_a_reason_are_not_printed() -> None:
    output = dead_letters("list").stdout

    assert "[line]" in output
    assert "\x1b[2J" not in output


@pytest.mark.usefixtures("settings")
def test_show_prints_dead_letters_and_held_records() -> None:
    bytes_shown = json.loads(dead_letters("show", "intake.clicks.dead:0", "--json").stdout)
    json_shown = json.loads(dead_letters("show", "intake.clicks.dead:1", "--json").stdout)
    held_shown = json.loads(dead_letters("show", "labeling:12", "--json").stdout)

    assert (bytes_shown["value"], bytes_shown["headers"]) == ({"base64": "/w=="}, {"ce_id": "1"})
    assert json_shown["value"] == {"a": 1}
    assert (held_shown["kind"], held_shown["contact_id"]) == ("held", 5)


def test_replayed_records_are_removed_from_the_list(settings: CommandLineSettings, services: Services) -> None:
    result = dead_letters("replay", "intake.clicks.dead:1", "labeling:12", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["records"] == 3
    assert services.released == [{"topic": "tracking.clicks", "account_id": 1, "contact_id": 5}]
    assert asyncio.run(_replayed_values(settings)) == [b'{"a": 1}']
    assert listed() == ["intake.clicks.dead:0", "intake.clicks.dead:2"]


@pytest.mark.usefixtures("settings")
def test_replay_reports_and_keeps_a_dead_letter_of_an_unknown_topic() -> None:
    result = dead_letters("replay", "--all")

    assert result.exit_code == 1
    assert "intake.clicks.dead:2" in result.stderr
    assert listed() == ["intake.clicks.dead:2"]


@pytest.mark.usefixtures("settings")
def test_an_unknown_id_is_named_in_the_error() -> None:
    result = dead_letters("show", "intake.clicks.dead:99")

    assert (result.exit_code, "intake.clicks.dead:99" in result.stderr) == (1, True)
    assert dead_letters("replay").exit_code == 2
