"""The commands of `penchant` work on four running services as the README describes."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import jsonschema_rs
import pytest
from typer.testing import CliRunner, Result

from deploy.command_line.app import app
from deploy.command_line.settings import CommandLineSettings
from deploy.demo import cast
from shared.bus.follower import Follower
from shared.bus.producer import IntakeProducer
from shared.events.asyncapi import document
from shared.events.topics import TOPICS

WITHIN = 30.0  # seconds


def penchant(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def answer(*arguments: str) -> dict[str, Any]:
    result = penchant(*arguments, "--json")
    assert result.exit_code == 0, result.output
    output: dict[str, Any] = json.loads(result.stdout)
    return output


@pytest.mark.usefixtures("inbox")
def test_the_demo_produces_exactly_the_expected_results(
    command_line: CommandLineSettings,
) -> None:
    output = answer("demo")

    expected = {
        (person.name, label) for person in cast.PEOPLE for text in person.clicks for label in cast.LINK_LABELS[text]
    }
    expected |= {(person.name, "Nurtured") for person in cast.PEOPLE if person.reads_the_guide}
    expected |= {(person.name, cast.CAMPAIGN_LABEL) for person in cast.PEOPLE if person.reads_the_campaign}
    assert {(one["name"], one["label"]) for one in output["assigned"]} == expected
    assert output["entered"] == ["Anna"]
    assert sorted(output["requested"]) == ["Anna", "Chloe"]
    campaign = output["campaign"]
    assert campaign["variants"] == {"Anna": "dogs", "Bram": "cats", "Chloe": "dogs"}
    assert campaign["mails"]["Bram"] == "New this week, for Antwerpen"
    assert campaign["mails"].keys() == campaign["variants"].keys()
    report = campaign["report"]
    assert (report["requested"], report["sent"]["count"], report["clicked"]["count"]) == (3, 3, 1)
    assert [(label["name"], label["gained"]) for label in report["labels"]] == [(cast.CAMPAIGN_LABEL, 1)]
    authorization = {"Authorization": f"Bearer {output['api_key']}"}
    with httpx.Client(base_url=command_line.url("tracking"), headers=authorization) as tracking:
        messages = [tracking.get(f"/v1/messages/{one['id']}") for one in tracking.get("/v1/messages").json()["items"]]
    assert len(messages) == 3
    assert all(message.json()["subject"] for message in messages)


@pytest.mark.usefixtures("command_line", "inbox")
def test_the_demo_prints_its_results() -> None:
    output = penchant("demo", "--no-stay").stdout

    assert 'Anna entered the segment "Dog lovers"' in output
    assert "The workflow sent the puppy guide to Anna, Chloe. Anna read it, and got Nurtured." in output
    assert "a mail scanner opened every link" in output
    unwrapped = " ".join(output.split())
    assert "The campaign went to 3 contacts of two audiences (Dogs 2, Cats 2)." in unwrapped
    assert "In its block Anna, Chloe saw the dogs; Bram saw the cats." in unwrapped
    assert "Bram clicked in that mail, and got New arrivals." in unwrapped
    assert "3 requested, 3 sent, 1 clicked; New arrivals gained by 1." in unwrapped


def test_records_on_kafka_match_the_asyncapi_document(command_line: CommandLineSettings) -> None:
    demo = answer("demo")
    authorization = {"Authorization": f"Bearer {demo['api_key']}"}
    anna = f"{command_line.url('labeling')}/v1/contacts/{demo['assigned'][0]['contact_id']}"
    httpx.delete(anna, headers=authorization).raise_for_status()

    seen: set[str] = set()
    problems: list[str] = []
    deadline = monotonic() + WITHIN
    while "Tombstone" not in seen and monotonic() < deadline:
        seen, problems = asyncio.run(_compare_with_asyncapi(command_line))

    assert problems == []
    assert {"LabelAssigned", "ContactClicked", "SegmentEntered", "MessageRequested", "AssignLabel", "Tombstone"} <= seen


async def _compare_with_asyncapi(command_line: CommandLineSettings) -> tuple[set[str], list[str]]:
    api = document()
    messages: Mapping[str, Any] = {
        message["name"]: message
        for name, message in api["components"]["messages"].items()
        if not name.startswith("Dead")
    }
    seen, problems = set(), []
    async with Follower(
        command_line, from_beginning=[name for name, topic in TOPICS.items() if topic.kind != "dead"]
    ) as all_:
        for topic, record in await all_.read_to_end():
            headers = {name: (value or b"").decode() for name, value in record.headers}
            message = messages[headers["ce_type"]]
            found = [
                f"{topic}: {error}"
                for part, value in (("headers", headers), ("payload", json.loads(record.value or b"null")))
                for error in _validator(api, message[part]["$ref"]).iter_errors(value)
            ]
            if message["title"] not in api["channels"][topic]["messages"]:
                found.append(f"{topic} does not list {message['title']}")
            seen.add(message["title"])
            problems += found
    return seen, problems


def _validator(api: Mapping[str, Any], reference: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"$ref": reference, "components": api["components"]})


def test_clicks_replayed_twice_are_counted_once(
    command_line: CommandLineSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = answer("account", "create", "Bakery", "--time-zone", "Europe/Brussels")
    monkeypatch.setenv("PENCHANT_API_KEY", account["api_key"])
    newsletter = tmp_path / "bread.html"
    newsletter.write_text('<a href="https://bakery.example/rye?a=1&amp;b=2">Rye</a><a href="mailto:a@b.example">Us</a>')
    message = answer("message", "add", str(newsletter), "--label", "1=Bread, Rye")
    authorization = {"Authorization": f"Bearer {account['api_key']}"}
    contacts = [{"external_id": f"c-{n}", "email": f"c{n}@bakery.example"} for n in range(10)]
    httpx.post(
        f"{command_line.url('labeling')}/v1/contacts/batch", json=contacts, headers=authorization
    ).raise_for_status()
    rows = ["external_id,message_id,url,occurred_at"]
    rows += [
        f"c-{n % 10},{message['id']},https://bakery.example/rye?a=1&b=2,2026-02-{n % 28 + 1:02d} 10:00"
        for n in range(1200)
    ]
    rows += [f"c-1,{message['id']},,2026-02-01 10:00"]
    file = tmp_path / "old.csv"
    file.write_text("\n".join(rows))

    results = [penchant("clicks", "replay", str(file), "--time-zone", "Europe/Brussels", "--json") for _ in range(2)]

    for result in results:
        assert result.exit_code == 1
        output = json.loads(result.stdout)
        assert (output["accepted"], [refused["row"] for refused in output["refused"]]) == (1200, [1202])
    statistics = f"{command_line.url('tracking')}/v1/messages/{message['id']}/stats"
    _until(lambda: httpx.get(statistics, headers=authorization).json()["clicks"]["human"] == 1200)
    labels = f"{command_line.url('labeling')}/v1/contacts/external:c-3/labels"
    _until(
        lambda: (
            [
                (label["label_name"], label["held"], label["clicks"])
                for label in httpx.get(labels, headers=authorization).json()["items"]
            ]
            == [("Bread", True, 120), ("Rye", True, 120)]
        )
    )


def test_dead_letters_are_listed_shown_and_replayed(command_line: CommandLineSettings) -> None:
    asyncio.run(_publish_invalid_record(command_line))

    _until(lambda: len(_dead_letters()) == 1)
    (letter,) = _dead_letters()
    assert letter["reason"].startswith("not_json")
    assert answer("dead-letters", "show", letter["id"])["value"] == "nonsense"
    assert answer("dead-letters", "replay", letter["id"])["records"] == 1
    # The record is still invalid, so it becomes a new dead letter.
    _until(lambda: [other["id"] for other in _dead_letters()] not in ([], [letter["id"]]))


def _dead_letters() -> list[dict[str, Any]]:
    result = penchant("dead-letters", "list", "--topic", "intake.clicks", "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


async def _publish_invalid_record(command_line: CommandLineSettings) -> None:
    producer = IntakeProducer(command_line)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"/x"),
        ("ce_type", b"penchant.ClickReported.v1"),
    ]
    await producer.send("intake.clicks", [(None, b"nonsense", headers)], within=30)
    await producer.stop()


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + WITHIN
    while not condition():
        assert monotonic() < deadline, "the condition did not hold in time"


@pytest.mark.usefixtures("command_line")
def test_a_revoked_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    account = answer("account", "create", "Garden")
    monkeypatch.setenv("PENCHANT_API_KEY", account["api_key"])
    key = answer("key", "create", "site", "--scope", "read")
    assert penchant("key", "revoke", key["id"]).exit_code == 0

    monkeypatch.setenv("PENCHANT_API_KEY", key["key"])
    _until(lambda: penchant("key", "list").exit_code == 4)
