"""Workflows are converted to forms and back."""

from typing import Any

from services.console.domain.workflow_form import (
    definition_of,
    workflow_draft_of,
    workflow_of_form,
)

LABEL, MESSAGE = "01a213e4-2bc7-7710-b446-e495941a6130", "01a213e4-2bc7-7710-b446-e495941a6131"

DEFINITION: dict[str, Any] = {
    "name": "Dog lovers",
    "triggers": [{"on": "LabelAssigned", "label": LABEL}, {"on": "ContactEngaged", "kind": "form.submitted"}],
    "condition": {"all": [{"clicks": {"label": LABEL, "at_least": 3}}]},
    "reentry": "every_time",
    "while_paused": "skip",
    "exit_on": [{"on": "LabelRemoved", "label": LABEL}],
    "max_event_age": {"days": 2},
    "steps": [
        {"id": "guide", "send": {"message": MESSAGE}},
        {
            "id": "reads",
            "wait_for": {
                "any": [{"on": "ContactClicked", "send": "this_run"}],
                "at_most": {"days": 3},
                "then": [{"id": "give", "assign_label": {"label": LABEL}}],
                "else": [{"id": "wait", "wait": {"hours": 2}}, {"id": "end", "exit": {}}],
            },
        },
        {
            "id": "which",
            "if": {
                "criterion": {"all": [{"label": {"id": LABEL}}]},
                "then": [{"id": "set", "set_field": {"key": "vip", "value": True}}],
                "else": [],
            },
        },
        {"id": "half", "split": {"percent": 50, "then": [], "else": []}},
        {"id": "odd", "wait_for": {"criterion": {"label": {"id": LABEL}}, "then": [], "else": []}},
    ],
}


def test_a_definition_is_unchanged_when_converted_to_a_form_and_back() -> None:
    assert definition_of(workflow_draft_of(DEFINITION)) == DEFINITION


def test_a_step_without_form_fields_is_kept_as_raw() -> None:
    draft = workflow_draft_of(DEFINITION)
    assert [step.kind for step in draft.steps] == ["send", "wait_for", "if", "split", "raw"]


def test_the_fields_of_a_page_are_converted_to_a_draft() -> None:
    draft = workflow_of_form(
        {
            "name": "  Dog   lovers ",
            "t.0.on": "LabelAssigned",
            "t.0.label": LABEL,
            "c.kind": "all",
            "c.0.kind": "label",
            "c.0.label": LABEL,
            "s.0.kind": "if",
            "s.0.c.kind": "any",
            "s.0.c.0.kind": "clicks",
            "s.0.then.0.kind": "send",
            "s.0.then.0.message": MESSAGE,
        }
    )
    assert definition_of(draft) == {
        "name": "Dog lovers",
        "triggers": [{"on": "LabelAssigned", "label": LABEL}],
        "reentry": "once",
        "while_paused": "queue",
        "condition": {"all": [{"label": {"id": LABEL}}]},
        "steps": [
            {
                "if": {
                    "criterion": {"any": [{"clicks": {"at_least": 1}}]},
                    "then": [{"send": {"message": MESSAGE}}],
                    "else": [],
                }
            }
        ],
    }
