"""Buttons of a workflow's form: steps are added, removed and moved, and none is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.workflow_buttons import changed_workflow
from services.console.domain.workflow_form import Step, WorkflowDraft, new_draft


def draft() -> WorkflowDraft:
    return WorkflowDraft(steps=[Step("send"), Step("if", then=[Step("wait")])])


@pytest.mark.parametrize(
    ("operation", "outer", "inner"),
    [
        ("add:exit:", ["send", "if", "exit"], ["wait"]),
        ("add:exit:1.then", ["send", "if"], ["wait", "exit"]),
        ("up:1", ["if", "send"], ["wait"]),
        ("down:0", ["if"], ["send", "wait"]),
        ("down:1.then.0", ["send", "if"], []),
        ("up:1.then.0", ["send", "wait", "if"], []),
        ("move:0:1.then.1", ["if"], ["wait", "send"]),
        ("move:1.then.0:0", ["wait", "send", "if"], []),
        ("move:1:1.then.0", ["send", "if"], ["wait"]),
        ("move:0:2", ["if", "send"], ["wait"]),
        ("move:0:9", ["if", "send"], ["wait"]),
        ("move:0:x", ["send", "if"], ["wait"]),
        ("remove:1.then.0", ["send", "if"], []),
        ("remove:7", ["send", "if"], ["wait"]),
        ("add:exit:9.then", ["send", "if"], ["wait"]),
    ],
)
def test_buttons_change_the_steps(operation: str, outer: list[str], inner: list[str]) -> None:
    changed = changed_workflow(draft(), operation)
    assert [step.kind for step in changed.steps] == outer
    assert [step.kind for step in next(step for step in changed.steps if step.kind == "if").then] == inner


def test_buttons_change_triggers_and_the_condition() -> None:
    changed = changed_workflow(changed_workflow(new_draft(), "trigger"), "condition")
    assert len(changed.triggers) == 2
    assert changed.condition is not None
    assert changed_workflow(changed_workflow(changed, "untrigger:0"), "uncondition").condition is None
    assert len(changed.triggers) == 1


def numbered(steps: list[Step]) -> list[Step]:
    """Give each step a unique number, so that tests can distinguish the steps."""

    def number(steps: list[Step], first: int) -> int:
        for step in steps:
            step.values["id"] = str(first)
            first = number(step.otherwise, number(step.then, first + 1))
        return first

    number(steps, 0)
    return steps


LEAVES = st.builds(Step, st.sampled_from(["send", "wait", "exit"]))
STEPS = st.recursive(
    st.lists(LEAVES, max_size=3),
    lambda inner: st.lists(LEAVES | st.builds(Step, st.just("if"), then=inner, otherwise=inner), max_size=3),
    max_leaves=8,
).map(numbered)


def shape(steps: list[Step]) -> list[object]:
    return [(step.get("id"), shape(step.then), shape(step.otherwise)) for step in steps]


def places(steps: list[Step], parent: str = "") -> list[str]:
    found = []
    for index, step in enumerate(steps):
        here = f"{parent}{index}"
        found += [here, *places(step.then, f"{here}.then."), *places(step.otherwise, f"{here}.else.")]
    return found


def numbers(steps: list[Step]) -> list[str]:
    return sorted(number for step in steps for number in (step.get("id"), *numbers([*step.then, *step.otherwise])))


@given(steps=STEPS, data=st.data())
def test_moving_a_step_down_and_up_restores_the_workflow(steps: list[Step], data: st.DataObject) -> None:
    draft, before = WorkflowDraft(steps=steps), shape(steps)
    place = data.draw(st.sampled_from(places(steps) or ["0"]))
    there, back = data.draw(st.sampled_from([("up", "down"), ("down", "up")]))
    changed_workflow(draft, f"{there}:{place}")
    if draft.moved and shape(draft.steps) != before:
        changed_workflow(draft, f"{back}:{draft.moved}")
    assert shape(draft.steps) == before


@given(steps=STEPS, data=st.data())
def test_dragging_loses_no_step(steps: list[Step], data: st.DataObject) -> None:
    draft, before = WorkflowDraft(steps=steps), numbers(steps)
    known = places(steps) or ["0"]
    place, to = data.draw(st.sampled_from(known)), data.draw(st.sampled_from([*known, "0", "7", "0.then.0", "x", ""]))
    changed_workflow(draft, f"move:{place}:{to}")
    assert numbers(draft.steps) == before
