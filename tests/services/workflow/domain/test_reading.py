"""Reading definitions: which are accepted, how they are returned, and the error for every mistake."""

from typing import Any
from uuid import UUID

import pytest

from services.workflow.domain.definitions import uses_of, walk
from services.workflow.domain.errors import InvalidDefinition
from services.workflow.domain.reading import read_definition, write_definition

DOGS = "01890000-0000-7000-8000-000000000001"
GUIDE = "01890000-0000-7000-8000-000000000002"
SEGMENT = "01890000-0000-7000-8000-000000000003"


def definition(**changed: object) -> dict[str, Any]:
    return {
        "name": "Dog lovers",
        "triggers": [{"on": "LabelAssigned", "label": DOGS}],
        "steps": [{"send": {"message": GUIDE}}],
    } | changed


def faults(body: object) -> dict[str, str]:
    with pytest.raises(InvalidDefinition) as caught:
        read_definition(body)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def test_faults_name_types_of_json_and_only_the_wrong_item_of_a_list() -> None:
    assert faults(definition(steps=[{"assign_label": "Dogs"}])) == {
        "/steps/0/assign_label": "Input should be an object"
    }
    assert faults(definition(steps=[])) == {"/steps": "List should have at least 1 item"}
    assert faults(definition(steps="none")) == {"/steps": "Input should be a list"}
    assert faults(definition(triggers=[{"label": DOGS}])) == {"/triggers/0": "'on' is missing"}


def test_a_definition_is_returned_in_the_long_form() -> None:
    body = definition(
        condition={"label": DOGS},
        reentry="every_time",
        exit_on=[{"on": "LabelRemoved", "label": DOGS}, {"no_longer": {"segment": SEGMENT}}],
        while_paused="skip",
        steps=[
            {"id": "guide", "send": {"message": GUIDE}},
            {
                "wait_for": {
                    "any": [{"on": "ContactClicked", "send": "this_run"}],
                    "at_most": {"days": 3},
                    "then": [{"assign_label": {"label": DOGS}}],
                    "else": [{"exit": {}}],
                }
            },
            {"if": {"criterion": {"field": {"key": "city", "is": "Gent"}}, "then": [], "else": []}},
            {"wait": {"days": 1}},
            {"wait": {"until": "2026-12-01T09:00:00+01:00"}},
            {"wait": {"until": "09:30"}},
            {"remove_label": {"label": DOGS}},
            {"set_field": {"key": "stage", "value": None}},
        ],
    )
    written = write_definition(read_definition(body))
    assert written["condition"] == {"label": {"id": DOGS}}
    assert written["exit_on"][1] == {"no_longer": {"segment": {"id": SEGMENT}}}
    assert [step["id"] for step in written["steps"]] == [
        "guide", "wait_for-1", "if-1", "wait-1", "wait-2", "wait-3", "remove_label-1", "set_field-1",
    ]  # fmt: skip
    assert written["steps"][1]["wait_for"]["then"] == [{"id": "assign_label-1", "assign_label": {"label": DOGS}}]
    assert written["steps"][1]["wait_for"]["else"] == [{"id": "exit-1", "exit": {}}]
    assert written["steps"][4]["wait"] == {"until": "2026-12-01T08:00:00Z"}
    assert written["steps"][7]["set_field"] == {"key": "stage", "value": None}
    assert read_definition(written) == read_definition(body)


def test_defaults_are_returned() -> None:
    written = write_definition(read_definition(definition()))
    assert (written["reentry"], written["while_paused"]) == ("once", "queue")
    assert "condition" not in written
    assert "exit_on" not in written


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ({}, "/name"),
        (definition(name=""), "/name"),
        (definition(color="red"), "/color"),
        (definition(triggers=[]), "/triggers"),
        (definition(triggers=[{"on": "LabelAssigned"}]), "/triggers/0/label"),
        (definition(triggers=[{"on": "LabelAssigned", "label": "dogs"}]), "/triggers/0/label"),
        (definition(triggers=[{"on": "LabelAssigned", "label": DOGS, "kind": "x"}]), "/triggers/0/kind"),
        (definition(triggers=[{"on": "Birthday"}]), "/triggers/0"),
        (definition(triggers=[{"on": "ContactClicked", "send": "this_run"}]), "/triggers/0/send"),
        (definition(triggers=[{"on": "ContactEngaged", "kind": "form", "where": {"a": []}}]), "/triggers/0/where/a"),
        (definition(condition={"lable": DOGS}), "/condition/lable"),
        (definition(exit_on=[{"no_longer": {"label": 3}}]), "/exit_on/0/no_longer/label"),
        (definition(exit_on=[{"on": "LabelAssigned"}]), "/exit_on/0/label"),
        (definition(reentry="often"), "/reentry"),
        (definition(steps=[]), "/steps"),
        (definition(steps=[{}]), "/steps/0"),
        (definition(steps=[{"exit": {}, "wait": {"days": 1}}]), "/steps/0"),
        (definition(steps=[{"exit": None}]), "/steps/0"),
        (definition(steps=[{"sendd": {}}]), "/steps/0/sendd"),
        (definition(steps=[{"send": {}}]), "/steps/0/send/message"),
        (definition(steps=[{"wait": {}}]), "/steps/0/wait"),
        (definition(steps=[{"wait": {"days": -1}}]), "/steps/0/wait/days"),
        (definition(steps=[{"wait": {"days": 1, "until": "09:00"}}]), "/steps/0/wait"),
        (definition(steps=[{"wait": {"until": "25:00"}}]), "/steps/0/wait/until"),
        (definition(steps=[{"wait_for": {"any": [{"on": "ContactClicked"}]}}]), "/steps/0/wait_for/at_most"),
        (
            definition(steps=[{"if": {"criterion": {"all": [{"nope": 1}]}, "then": [{"exit": {}}]}}]),
            "/steps/0/if/criterion/all/0/nope",
        ),
        (
            definition(steps=[{"if": {"criterion": {"label": DOGS}, "then": [{"exit": {}}, {"send": {}}]}}]),
            "/steps/0/if/then/1/send/message",
        ),
        (definition(steps=[{"id": "a", "exit": {}}, {"id": "a", "exit": {}}]), "/steps/1/id"),
        (definition(steps=[{"id": "a b", "exit": {}}]), "/steps/0/id"),
        (definition(steps=[{"exit": {}}] * 101), "/steps/100"),
    ],
)
def test_every_mistake_is_reported_with_its_pointer(body: object, pointer: str) -> None:
    assert pointer in faults(body)


def test_ids_of_steps_are_stable_over_versions() -> None:
    first = read_definition(
        definition(steps=[{"send": {"message": GUIDE}}, {"wait": {"days": 1}}, {"send": {"message": DOGS}}])
    )
    second = read_definition(
        definition(
            steps=[
                {"assign_label": {"label": DOGS}},
                {"send": {"message": DOGS}},
                {"wait": {"days": 2}},
                {"send": {"message": SEGMENT}},
            ]
        ),
        first,
        {"send-1", "send-2", "wait-1"},
    )
    # The second message moved and kept its id; the wait has changed and moved, so it is a new step.
    assert [step.id for _, step in walk(second.steps)] == ["assign_label-1", "send-2", "wait-2", "send-3"]


def test_a_step_that_is_changed_in_place_keeps_its_id() -> None:
    first = read_definition(definition(steps=[{"wait": {"days": 1}}, {"exit": {}}]))
    second = read_definition(definition(steps=[{"wait": {"days": 2}}, {"exit": {}}]), first)
    assert [step.id for _, step in walk(second.steps)] == ["wait-1", "exit-1"]


def test_step_ids_are_never_reused() -> None:
    second = read_definition(definition(), None, {"send-1", "send-2"})
    assert [step.id for _, step in walk(second.steps)] == ["send-3"]


def test_uses_of_a_definition_are_listed_by_kind() -> None:
    uses = uses_of(
        read_definition(
            definition(
                condition={"segment": SEGMENT},
                steps=[
                    {"send": {"message": GUIDE}},
                    {"set_field": {"key": "stage", "value": "x"}},
                    {"if": {"criterion": {"field": {"key": "city", "is": "Gent"}}, "then": [{"exit": {}}]}},
                ],
            )
        )
    )
    assert uses.labels == (UUID(DOGS),)
    assert uses.segments == (UUID(SEGMENT),)
    assert uses.messages == (UUID(GUIDE),)
    assert uses.fields == ("city", "stage")
