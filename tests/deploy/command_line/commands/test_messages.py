"""The commands `message add`, `list` and `delete`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.prompt import Prompt
from typer.testing import CliRunner, Result

from deploy.command_line.app import app
from deploy.command_line.commands import messages
from deploy.command_line.settings import CommandLineSettings
from tests.deploy.command_line.serving import Answer, Request, served

LINKS: list[dict[str, Any]] = [
    {"id": "l1", "number": 1, "url": "https://a.example/[x]", "text": "Puppy [food]", "trackable": True, "labels": []},
    {
        "id": "l2",
        "number": 2,
        "url": "mailto:a@b.example",
        "text": "Write",
        "trackable": False,
        "reason": "mailto",
        "labels": [],
    },
    {"id": "l3", "number": 3, "url": "https://a.example/cats", "text": "Cats", "trackable": True, "labels": []},
]


class Services:
    """Answer the requests that adding, listing and deleting one message needs."""

    def __init__(self) -> None:
        self.labels = {"Dogs": "1"}
        self.put: dict[str, list[str]] = {}
        self.registered = 0
        self.deleted: list[str] = []

    def __call__(self, request: Request) -> Answer:
        match request.method, request.path.split("?")[0]:
            case "POST", "/v1/messages":
                self.registered += 1
                return Answer(201, {"id": "m", "name": request.body["name"], "revision": 1, "links": LINKS})
            case "GET", "/v1/labels":
                items = [{"id": id_, "name": name} for name, id_ in self.labels.items()]
                return Answer(200, {"items": items, "next_cursor": None})
            case "POST", "/v1/labels":
                self.labels[request.body["name"]] = str(len(self.labels) + 1)
                return Answer(201, {"id": self.labels[request.body["name"]], "name": request.body["name"]})
            case "PUT", "/v1/messages/m/link-labels":
                self.put = request.body
                return Answer(204)
            case "GET", "/v1/messages":
                found = {"id": "m", "name": "spring", "revision": 1, "links": LINKS}
                return Answer(200, {"items": [found], "next_cursor": None})
            case "DELETE", "/v1/messages/4c7a1d3e-0000-4000-8000-000000000001":
                self.deleted.append(request.path)
                return Answer(204)
            case "GET", "/v1/messages/m/links":
                return Answer(200, {"items": LINKS, "next_cursor": None})
        return Answer(404, {"detail": request.path})


def add(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    path = tmp_path / "spring.html"
    path.write_text("<a>")
    with served(services) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        return CliRunner().invoke(app, ["message", "add", str(path), *options])


def test_all_links_are_listed_with_the_reason_for_not_tracking_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = add(Services(), tmp_path, monkeypatch)

    assert result.exit_code == 0
    assert "Puppy [food]" in result.stdout
    assert "mailto" in result.stdout


def test_link_labels_are_found_or_created_and_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()

    result = add(services, tmp_path, monkeypatch, "--label", "1=dogs, Puppies", "--label", "3=Cats", "--json")

    assert result.exit_code == 0
    assert services.put == {"l1": ["1", "2"], "l3": ["3"]}
    output = json.loads(result.stdout)
    assert (output["name"], output["labels_created"]) == ("spring", ["Puppies", "Cats"])


def test_links_that_cannot_have_labels_are_reported_and_the_others_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = Services()

    result = add(services, tmp_path, monkeypatch, "--label", "1=Dogs", "--label", "2=Dogs", "--label", "9=Dogs")

    assert result.exit_code == 1
    assert "2, 9" in result.stderr
    assert services.put == {"l1": ["1"]}


HTML = (
    '<a href="https://a.example/dogs">Puppy food</a><a href="mailto:a@b.example">Write</a>'
    '<a href="https://a.example/cats">Cats</a>'
)


def add_in_terminal(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Iterator[str | BaseException]
) -> Result:
    """Run `message add` in a terminal, with these answers to its prompts."""

    def typed_answer(*_: object, **__: object) -> str:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        assert services.registered == 0, "the message was registered before all prompts were answered"
        return answer

    path = tmp_path / "spring.html"
    path.write_text(HTML)
    monkeypatch.setattr(messages, "_is_terminal", lambda: True)
    monkeypatch.setattr(Prompt, "ask", typed_answer)
    with served(services) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        return CliRunner().invoke(app, ["message", "add", str(path)])


def test_asks_for_the_labels_of_every_link_before_registering_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = Services()
    result = add_in_terminal(services, tmp_path, monkeypatch, iter(["Dogs", "Cats, Kittens"]))
    assert result.exit_code == 0, result.output
    assert services.put == {"l1": ["1"], "l3": ["2", "3"]}


def test_end_of_input_skips_the_remaining_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    result = add_in_terminal(services, tmp_path, monkeypatch, iter(["Dogs", EOFError()]))
    assert result.exit_code == 0, result.output
    assert services.put == {"l1": ["1"]}


def test_an_interrupt_at_a_prompt_registers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    result = add_in_terminal(services, tmp_path, monkeypatch, iter(["Dogs", KeyboardInterrupt()]))
    assert result.exit_code == 130
    assert services.registered == 0
    assert "Nothing was registered" in result.stderr


def test_messages_are_listed_and_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    identity = "4c7a1d3e-0000-4000-8000-000000000001"
    with served(services) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        listed = CliRunner().invoke(app, ["message", "list", "--json"])
        removed = CliRunner().invoke(app, ["message", "delete", identity])
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == ["m"]
    assert removed.exit_code == 0
    assert services.deleted == [f"/v1/messages/{identity}"]


@pytest.mark.parametrize("option", ["Dogs", "x=Dogs", "1=", "1= ,"])
def test_an_invalid_label_option_is_a_usage_error(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add(Services(), tmp_path, monkeypatch, "--label", option).exit_code == 2
