"""Requests that the live OpenAPI documents allow and forbid get no 5xx and no undocumented answer.

Made-up ids are tested for tracking and labeling by their own tests (test_bad_input.py), and here for the services that
need the others. Ids of existing objects are tested here for all four.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.everything import one_of_everything
from tests.scenarios.scene import SERVICES, Account, Scene
from tests.stack.bad_input import send_bad_input

EXAMPLES = {"made up": 20, "real": 8}  # per operation
JSON = {"Content-Type": "application/json"}
# Values that a definition may contain by mistake. schemathesis cannot generate them, for the document describes the
# parts of a definition only roughly.
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 2**70, 1e308, float("nan"),
    "", "\0", "\ud800", "\U0001f415", "x" * 5000, [], {}, [None], {"": None}, [[[]]],
    "01890000-0000-7000-8000-000000000001", {"label": {"label": {}}}, {"all": [{"not": {"any": []}}]},
)  # fmt: skip


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("service", "ids"),
    [("segmentation", "made up"), ("workflow", "made up"), *((service, "real") for service in SERVICES)],
)
def test_schemathesis_finds_nothing(scene: Scene, service: str, ids: str, tmp_path: Path) -> None:
    with Account.open(scene, "Bad input") as account:
        made = one_of_everything(account)
        options = []
        if ids == "real":
            # After a deletion the ids would not exist any more. A wrong campaign in the path is replaced by the
            # existing one here, and schemathesis would report its acceptance as a mistake.
            options = [
                "--exclude-method=DELETE",
                "--include-path-regex=[{]",
                "--exclude-path=/v1/campaigns/{campaign_id}/recipients/{contact_id}",
            ]
            lines = ["[parameters]", *(f'"path.{name}" = "{value}"' for name, value in made.items())]
            (tmp_path / "schemathesis.toml").write_text("\n".join(lines))
        send_bad_input(
            scene.url(service),
            f"Bearer {account.key}",
            tmp_path,
            EXAMPLES[ids],
            "--phases=examples,coverage,fuzzing",
            *options,
        )


@pytest.mark.timeout(300)
def test_definitions_with_something_odd_in_them_are_answered(scene: Scene) -> None:
    """Each part of a valid definition is replaced by odd values."""
    unexpected = []
    with Account.open(scene, "Odd definitions") as account:
        things = one_of_everything(account)
        criterion, definition = _everything_in_a_criterion(things), _everything_in_a_workflow(things)
        asked = {"criterion": criterion, "contact_id": int(things["contact"])}
        requests = [("segmentation", "/v1/criteria/explain", asked), ("workflow", "/v1/workflows", definition)]
        for service, path, body in requests:
            assert account.post(service, path, body)
            for changed in _changed(body):
                answer = account.request(service, "POST", path, content=json.dumps(changed), headers=JSON)
                if answer.status_code not in {200, 201, 400, 404, 422}:
                    unexpected.append(f"{service} {answer.status_code} {answer.text[:300]} for {changed!r:.1000}")
    assert not unexpected, "\n".join(unexpected)


def _changed(value: Any) -> Iterator[Any]:
    """Yield `value` with one part replaced, for each part and each odd value, and with each member missing."""
    yield from ODD
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            yield from ({**value, name: changed} for changed in _changed(member))
        yield {**value, "odd": 1}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], changed, *value[place + 1 :]] for changed in _changed(item))


def _everything_in_a_criterion(things: Mapping[str, str]) -> dict[str, Any]:
    label, message, segment = things["label_id"], things["message_id"], things["segment_id"]
    return {
        "all": [
            {"label": {"any_of": [label], "within_days": 30}},
            {"not": {"clicks": {"url_starts_with": "https://", "at_least": 2, "from": "2026-01-01"}}},
            {
                "any": [
                    {"engaged": {"kind": "form", "message": message, "exactly": 0}},
                    {"segment": segment},
                ]
            },
            {"field": {"key": "city", "in": ["Gent", "Brugge"]}},
        ]
    }


def _everything_in_a_workflow(things: Mapping[str, str]) -> dict[str, Any]:
    label, message = things["label_id"], things["message_id"]
    clicked = {"on": "ContactClicked", "send": "this_run"}
    return {
        "name": "Everything",
        "triggers": [
            {"on": "LabelAssigned", "label": label, "origins": ["click"]},
            {"on": "SegmentEntered", "segment": things["segment_id"], "include_existing": True},
            {"on": "ContactEngaged", "kind": "form", "where": {"plan": "a"}},
        ],
        "condition": {"field": {"key": "city", "is": "Gent"}},
        "reentry": "every_time",
        "exit_on": [{"on": "LabelRemoved", "label": label}],
        "while_paused": "skip",
        "steps": [
            {"id": "guide", "send": {"message": message}},
            {"wait_for": {"any": [clicked], "at_most": {"days": 3}, "then": [{"exit": {}}], "else": []}},
            {"if": {"criterion": {"label": label}, "then": [{"assign_label": {"label": label}}], "else": []}},
            {"wait": {"until": "2030-01-01T00:00:00Z"}},
            {"set_field": {"key": "city", "value": "Gent"}},
        ],
    }


def test_the_documents_are_those_of_the_repository(scene: Scene) -> None:
    """So the tests of the live documents are valid for the published ones."""
    documents = Path(__file__).parents[2] / "docs" / "openapi"
    with Account.open(scene, "Documents") as account:
        for service in scene.services:
            written = json.loads((documents / f"{service}.json").read_text(encoding="utf-8"))
            assert set(account.get(service, "/openapi.json")["paths"]) == set(written["paths"]), service
