"""Valid and invalid requests generated from the live OpenAPI documents get no 5xx and no undocumented answer.

Requests with made-up ids are tested for tracking and labeling in their own tests (test_bad_input.py), and here for the
services that depend on them. Requests with ids of existing objects are tested here for all four.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.everything import create_one_of_each_kind
from tests.scenarios.scene import SERVICES, Account, Scene
from tests.stack.bad_input import send_bad_input

EXAMPLES = {"made up": 20, "real": 8}  # per operation
JSON = {"Content-Type": "application/json"}
# Values that a definition may contain by mistake. Schemathesis cannot generate them, because the document does not
# describe the parts of a definition in detail.
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
def test_schemathesis_finds_no_failure(scene: Scene, service: str, ids: str, tmp_path: Path) -> None:
    with Account.open(scene, "Bad input") as account:
        made = create_one_of_each_kind(account)
        options = []
        if ids == "real":
            # DELETE is excluded because the ids would no longer exist afterwards. Schemathesis expects that an invalid
            # campaign id is rejected, but the existing id replaces it here.
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
def test_odd_values_in_definitions_get_an_expected_status(scene: Scene) -> None:
    """Each part of a valid definition is replaced by odd values."""
    unexpected = []
    with Account.open(scene, "Odd definitions") as account:
        things = create_one_of_each_kind(account)
        criterion, definition = _complex_criterion(things), _complex_workflow(things)
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
    """Yield `value` with one part replaced, for each part and each odd value, and with each member removed."""
    yield from ODD
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            yield from ({**value, name: changed} for changed in _changed(member))
        yield {**value, "odd": 1}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], changed, *value[place + 1 :]] for changed in _changed(item))


def _complex_criterion(things: Mapping[str, str]) -> dict[str, Any]:
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


def _complex_workflow(things: Mapping[str, str]) -> dict[str, Any]:
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


def test_live_documents_have_the_paths_of_the_published_ones(scene: Scene) -> None:
    """The tests of the live documents are therefore valid for the published ones."""
    documents = Path(__file__).parents[2] / "docs" / "openapi"
    with Account.open(scene, "Documents") as account:
        for service in scene.services:
            written = json.loads((documents / f"{service}.json").read_text(encoding="utf-8"))
            assert set(account.get(service, "/openapi.json")["paths"]) == set(written["paths"]), service
