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
from tests.deploy.command_line.serving import Answer, Asked, served

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
    """Enough of tracking and labeling to add one message."""

    def __init__(self) -> None:
        self.labels = {"Dogs": "1"}
        self.put: dict[str, list[str]] = {}
        self.registered = 0
        self.deleted: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        match asked.method, asked.path.split("?")[0]:
            case "POST", "/v1/messages":
                self.registered += 1
                return Answer(201, {"id": "m", "name": asked.body["name"], "revision": 1, "links": LINKS})
            case "GET", "/v1/labels":
                items = [{"id": id_, "name": name} for name, id_ in self.labels.items()]
                return Answer(200, {"items": items, "next_cursor": None})
            case "POST", "/v1/labels":
                self.labels[asked.body["name"]] = str(len(self.labels) + 1)
                return Answer(201, {"id": self.labels[asked.body["name"]], "name": asked.body["name"]})
            case "PUT", "/v1/messages/m/link-labels":
                self.put = asked.body
                return Answer(204)
            case "GET", "/v1/messages":
                found = {"id": "m", "name": "spring", "revision": 1, "links": LINKS}
                return Answer(200, {"items": [found], "next_cursor": None})
            case "DELETE", "/v1/messages/4c7a1d3e-0000-4000-8000-000000000001":
                self.deleted.append(asked.path)
                return Answer(204)
            case "GET", "/v1/messages/m/links":
                return Answer(200, {"items": LINKS, "next_cursor": None})
        return Answer(404, {"detail": asked.path})


def add(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    path = tmp_path / "spring.html"
    path.write_text("<a>")
    with served(services) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        return CliRunner().invoke(app, ["message", "add", str(path), *options])


def test_links_are_listed_with_what_cannot_be_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = add(Services(), tmp_path, monkeypatch)

    assert result.exit_code == 0
    assert "Puppy [food]" in result.stdout
    assert "mailto" in result.stdout


def test_labels_are_found_or_created_and_put_on_their_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()

    result = add(services, tmp_path, monkeypatch, "--label", "1=dogs, Puppies", "--label", "3=Cats", "--json")

    assert result.exit_code == 0
    assert services.put == {"l1": ["1", "2"], "l3": ["3"]}
    said = json.loads(result.stdout)
    assert (said["name"], said["labels_created"]) == ("spring", ["Puppies", "Cats"])


def test_a_link_that_cannot_be_labelled_is_named_and_the_others_are_labelled(
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


def ask(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Iterator[str | BaseException]
) -> Result:
    """Run `message add` at a terminal, with typed answers."""

    def typed(*_: object, **__: object) -> str:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        assert services.registered == 0, "registered before the questions were answered"
        return answer

    path = tmp_path / "spring.html"
    path.write_text(HTML)
    monkeypatch.setattr(messages, "_is_terminal", lambda: True)
    monkeypatch.setattr(Prompt, "ask", typed)
    with served(services) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        return CliRunner().invoke(app, ["message", "add", str(path)])


def test_every_link_is_asked_for_before_anything_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    result = ask(services, tmp_path, monkeypatch, iter(["Dogs", "Cats, Kittens"]))
    assert result.exit_code == 0, result.output
    assert services.put == {"l1": ["1"], "l3": ["2", "3"]}


def test_the_rest_can_be_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    result = ask(services, tmp_path, monkeypatch, iter(["Dogs", EOFError()]))
    assert result.exit_code == 0, result.output
    assert services.put == {"l1": ["1"]}


def test_an_interrupted_question_registers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    result = ask(services, tmp_path, monkeypatch, iter(["Dogs", KeyboardInterrupt()]))
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
def test_an_option_that_is_no_label_is_wrong_use(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add(Services(), tmp_path, monkeypatch, "--label", option).exit_code == 2
