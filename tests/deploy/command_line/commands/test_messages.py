import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.command_line.app import app
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

    def __call__(self, asked: Asked) -> Answer:
        match asked.method, asked.path.split("?")[0]:
            case "POST", "/v1/messages":
                assert asked.body["html"] == "<a>"
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


@pytest.mark.parametrize("option", ["Dogs", "x=Dogs", "1=", "1= ,"])
def test_an_option_that_is_no_label_is_wrong_use(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add(Services(), tmp_path, monkeypatch, "--label", option).exit_code == 2
