"""Replacing the ids in a criterion or a workflow changes nothing else."""

from typing import Any

import pytest

from services.console.domain.references import (
    Reference,
    criterion_with,
    references_of,
    references_of_workflow,
    workflow_with,
)

EVERYTHING = {
    "all": [
        {"label": "dogs"},
        {"label": {"any_of": ["dogs", "cats"], "within_days": 3}},
        {"not": {"clicks": {"label": "birds", "at_least": 2}}},
        {"any": [{"clicks": {"message": "spring"}}, {"clicks": {"link": "first"}}, {"clicks": {"send": "june"}}]},
        {"engaged": {"kind": "message.sent", "message": "spring", "send": "june"}},
        {"field": {"key": "city", "is": "Gent"}},
        {"top_label": {"id": "dogs", "among": ["cats"]}},
        {"more_clicks": {"label": "dogs", "than": "cats", "times": 2}},
        {"segment": {"id": "lovers"}},
        {"contact": {"language": "nl"}},
    ]
}


def prefixed(reference: Reference) -> str:
    return f"{reference.kind}:{reference.id}"


def test_every_reference_of_a_criterion_is_found_once() -> None:
    assert list(references_of(EVERYTHING)) == [
        ("label", "dogs"),
        ("label", "cats"),
        ("label", "birds"),
        ("message", "spring"),
        ("link", "first"),
        ("send", "june"),
        ("field", "city"),
        ("segment", "lovers"),
    ]


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ({"label": "dogs"}, {"label": {"id": "label:dogs"}}),
        ({"not": {"segment": "lovers"}}, {"not": {"segment": {"id": "segment:lovers"}}}),
        ({"field": {"key": "city", "in": ["Gent"]}}, {"field": {"key": "field:city", "in": ["Gent"]}}),
        ({"engaged": {"kind": "form.submitted", "ref": "x"}}, {"engaged": {"kind": "form.submitted", "ref": "x"}}),
        (
            {"clicks": {"url": "https://a.example", "at_most": 0}},
            {"clicks": {"url": "https://a.example", "at_most": 0}},
        ),
    ],
)
def test_only_ids_are_replaced_in_a_criterion(criterion: dict[str, Any], expected: dict[str, Any]) -> None:
    assert criterion_with(criterion, prefixed) == expected


WORKFLOW = {
    "id": "of the answer",
    "version": 3,
    "name": "Dog lovers",
    "triggers": [{"on": "LabelAssigned", "label": "dogs"}, {"on": "ContactClicked", "url": "https://a.example"}],
    "condition": {"segment": {"id": "lovers"}},
    "exit_on": [{"no_longer": {"label": {"id": "cats"}}}],
    "reentry": "once",
    "steps": [
        {"id": "guide", "send": {"message": "spring"}},
        {
            "wait_for": {
                "any": [{"on": "ContactClicked", "send": "this_run"}],
                "at_most": {"days": 3},
                "then": [{"assign_label": {"label": "nurtured"}}],
                "else": [{"if": {"criterion": {"label": "birds"}, "then": [{"exit": {}}], "else": []}}],
            }
        },
        {"set_field": {"key": "stage", "value": "dogs"}},
    ],
}


def test_every_reference_of_a_workflow_is_found() -> None:
    assert set(references_of_workflow(WORKFLOW)) == {
        ("label", "dogs"),
        ("segment", "lovers"),
        ("label", "cats"),
        ("message", "spring"),
        ("label", "nurtured"),
        ("label", "birds"),
        ("field", "stage"),
    }


def test_only_ids_are_replaced_in_a_workflow() -> None:
    written = workflow_with(WORKFLOW, prefixed)
    assert "id" not in written
    assert "version" not in written
    assert written["triggers"][0]["label"] == "label:dogs"
    assert written["exit_on"] == [{"no_longer": {"label": {"id": "label:cats"}}}]
    wait = written["steps"][1]["wait_for"]
    assert wait["any"] == [{"on": "ContactClicked", "send": "this_run"}]
    assert wait["else"][0]["if"]["criterion"] == {"label": {"id": "label:birds"}}
    assert written["steps"][2] == {"set_field": {"key": "field:stage", "value": "dogs"}}
