"""The progress of runs: steps, waits, deadlines, branches and exits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.identity import idempotency_key, run_id
from tests.services.workflow.domain.story import NOON, WORKFLOW, Story
from tests.services.workflow.events import (
    CATS,
    DOGS,
    GUIDE,
    OFFER,
    assigned,
    changed,
    clicked,
    engaged,
    removed,
)

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}
GIVE_UP = {"id": "give-up", "exit": {}}


def wait_for(*triggers: dict[str, Any], then: Any = (NURTURED,), otherwise: Any = (GIVE_UP,)) -> dict[str, Any]:
    return {
        "id": "wait",
        "wait_for": {"any": list(triggers), "at_most": {"days": 3}, "then": list(then), "else": list(otherwise)},
    }


OWN_CLICK = {"on": "ContactClicked", "send": "this_run"}
ANY_FORM = {"on": "ContactEngaged", "kind": "form.submitted"}


def test_a_run_without_waits_takes_all_steps_at_once() -> None:
    story = Story([SEND, {"id": "cat", "remove_label": {"label": str(CATS)}}, {"set_field": {"key": "k", "value": 1}}])
    story.starts(assigned(when=NOON))
    assert story.state == "finished"
    assert story.taken == ["guide", "cat", "set_field-1"]
    assert story.requested == [("send", GUIDE), ("remove_label", CATS), ("set_field", "k")]
    assert story.effects[2].value == 1
    assert story.run is not None
    assert story.run.ended_at == NOON


def test_the_same_event_gives_the_same_run_id_and_idempotency_keys() -> None:
    event = assigned(when=NOON)
    one, two = Story([SEND]).starts(event), Story([SEND]).starts(event)
    assert one.run is not None
    assert one.run == two.run
    assert one.run.run_id == run_id(WORKFLOW, 1, 7, event.event_id)
    assert one.steps[0].result["idempotency_key"] == idempotency_key(one.run.run_id, "guide")
    assert len(str(one.run.run_id)) <= 40, "a run id is used as the id of a send"


def test_a_wait_begins_when_the_previous_wait_was_due() -> None:
    story = Story([{"wait": {"days": 1}}, {"wait": {"hours": 2, "minutes": 30}}]).starts(assigned(when=NOON))
    assert story.run is not None
    assert story.run.due_at == NOON + DAY
    story.timer_fires(late=5 * HOUR)
    assert story.run.due_at == NOON + DAY + timedelta(hours=2, minutes=30), (
        "the delay of a timer does not shift later waits"
    )
    assert story.timer_fires().state == "finished"


def test_a_wait_until_a_past_time_is_due_at_once() -> None:
    story = Story([{"wait": {"until": "2026-11-01T00:00:00Z"}}, NURTURED]).starts(assigned(when=NOON))
    assert story.run is not None
    assert story.run.due_at is not None
    assert story.run.due_at < NOON
    assert story.timer_fires().taken == ["wait-1", "nurtured"]


def test_a_wait_until_a_time_of_day_ends_at_its_next_occurrence() -> None:
    story = Story([{"wait": {"until": "09:00"}}]).starts(assigned(when=NOON))
    assert story.run is not None
    assert story.run.due_at == NOON + 21 * HOUR


def test_an_event_before_the_deadline_takes_the_then_branch() -> None:
    story = Story([SEND, wait_for(OWN_CLICK)]).starts(assigned(when=NOON))
    assert story.run is not None
    story.receives(clicked(send="another", when=NOON + HOUR))
    assert story.state == "running"
    story.receives(clicked(send=str(story.run.run_id), when=NOON + 2 * HOUR))
    assert story.taken == ["guide", "wait", "nurtured"]
    assert story.steps[1].result["branch"] == "then"
    assert story.state == "finished"


def test_the_deadline_takes_the_else_branch() -> None:
    story = Story([SEND, wait_for(OWN_CLICK)]).starts(assigned(when=NOON)).timer_fires()
    assert story.taken == ["guide", "wait", "give-up"]
    assert story.steps[1].result["branch"] == "else"
    assert story.state == "exited"


def test_an_event_before_the_deadline_counts_even_if_it_is_consumed_later() -> None:
    story = Story([wait_for(ANY_FORM)]).starts(assigned(when=NOON))
    story.now = NOON + 4 * DAY
    assert "nurtured" in story.receives(engaged(when=NOON + 3 * DAY - SECOND)).taken


def test_an_event_after_the_deadline_does_not_count_before_the_timer_fires() -> None:
    story = Story([wait_for(ANY_FORM)]).starts(assigned(when=NOON)).receives(engaged(when=NOON + 3 * DAY + SECOND))
    assert story.state == "running"
    assert "give-up" in story.timer_fires().taken


def test_a_message_sent_late_leaves_the_full_time_to_respond() -> None:
    story = Story([{"wait": {"days": 1}}, SEND, wait_for(OWN_CLICK)]).starts(assigned(when=NOON))
    story.timer_fires(late=10 * DAY)
    assert story.run is not None
    assert story.run.due_at == NOON + 14 * DAY


def test_an_event_just_before_the_wait_began_counts() -> None:
    form = engaged(when=NOON - SECOND)
    story = Story([wait_for(ANY_FORM)]).given(form).starts(assigned(when=NOON))
    assert story.taken == ["wait", "nurtured"]


def test_an_event_that_was_consumed_before_the_trigger_counts() -> None:
    # Another topic was read first: the form is newer than the label, but was consumed before it.
    story = Story([wait_for(ANY_FORM)]).starts(assigned(when=NOON)).looks_back(engaged(when=NOON + MINUTE))
    assert story.taken == ["wait", "nurtured"]


def test_an_event_long_before_the_wait_does_not_count() -> None:
    story = Story([wait_for(ANY_FORM)]).given(engaged(when=NOON - MINUTE)).starts(assigned(when=NOON))
    assert story.state == "running"


def test_the_event_that_started_the_run_does_not_end_its_wait() -> None:
    trigger = {"on": "ContactClicked", "label": str(DOGS)}
    click = clicked(when=NOON)
    story = Story([wait_for(trigger)], triggers=[trigger]).given(click).starts(click)
    assert story.state == "running"
    story.receives(click)
    assert story.state == "running", "not even when it is delivered again"
    assert story.receives(clicked(when=NOON)).state == "finished", "another event at the same moment does"


def test_the_click_that_caused_the_label_does_not_end_the_wait() -> None:
    click = clicked(when=NOON - SECOND)
    story = Story([wait_for({"on": "ContactClicked", "label": str(DOGS)})]).given(click)
    assert story.starts(assigned(when=NOON), causation=click.event_id).state == "running"


def test_a_click_that_started_another_run_does_not_end_the_wait_of_this_run() -> None:
    trigger = {"on": "ContactClicked", "label": str(DOGS)}
    story = Story([wait_for(trigger)], triggers=[trigger], reentry="every_time")
    assert story.given(clicked(when=NOON - SECOND)).starts(clicked(when=NOON)).state == "running"


def test_events_in_the_causal_chain_of_the_run_do_not_end_its_wait() -> None:
    form = engaged(when=NOON - SECOND)
    story = Story([wait_for(ANY_FORM)]).given(form)
    assert story.starts(assigned(when=NOON), correlation=str(form.event_id)).state == "running"


def test_one_event_ends_only_one_wait() -> None:
    second = wait_for(ANY_FORM) | {"id": "second"}
    story = Story([wait_for(ANY_FORM, then=[], otherwise=[]), second]).starts(assigned(when=NOON))
    form = engaged(when=NOON + HOUR)
    assert story.receives(form).taken == ["wait"]
    assert story.looks_back(form).receives(form).taken == ["wait"]
    assert story.receives(engaged(when=NOON + HOUR)).taken == ["wait", "second", "nurtured"]


def test_an_old_click_that_is_reported_late_does_not_end_the_wait() -> None:
    story = Story([wait_for({"on": "ContactClicked"})]).starts(assigned(when=NOON))
    old = replace(clicked(when=NOON + HOUR), occurred_at=NOON - 30 * DAY)
    assert story.receives(old).state == "running"


def test_a_condition_records_the_facts_that_decided_it() -> None:
    criterion = {"clicks": {"label": str(DOGS), "at_least": 2}}
    story = Story([{"id": "if", "if": {"criterion": criterion, "then": [NURTURED], "else": [GIVE_UP]}}])
    story.given(changed(when=NOON), clicked(when=NOON), clicked(when=NOON)).starts(assigned(when=NOON))
    assert story.taken == ["if", "nurtured"]
    assert story.steps[0].saw is not None
    assert story.steps[0].saw["saw"] == {"count": 2}
    assert story.steps[0].result == {"branch": "then"}


def test_a_condition_can_refer_to_the_send_of_this_run() -> None:
    criterion = {"clicks": {"send": "this_run"}}
    step = {"id": "if", "if": {"criterion": criterion, "then": [NURTURED]}}
    story = Story([SEND, {"wait": {"days": 1}}, step]).given(changed(when=NOON)).starts(assigned(when=NOON))
    assert story.run is not None
    story.receives(clicked(send=str(story.run.run_id), when=NOON + HOUR)).timer_fires()
    assert story.taken == ["guide", "wait-1", "if", "nurtured"]


def test_a_workflow_whose_condition_is_not_true_does_not_start() -> None:
    condition = {"label": str(CATS)}
    assert Story([SEND], condition=condition).given(changed(when=NOON)).starts(assigned(when=NOON)).run is None
    story = Story([SEND], condition=condition).given(changed(when=NOON), assigned(CATS, when=NOON))
    assert story.starts(assigned(when=NOON)).state == "finished"


def test_an_exit_event_ends_the_run() -> None:
    rule = {"on": "LabelRemoved", "label": str(DOGS)}
    story = Story([{"wait": {"days": 1}}, SEND], exit_on=[rule]).starts(assigned(when=NOON))
    assert story.receives(removed(CATS, when=NOON + HOUR)).state == "running"
    assert story.receives(removed(when=NOON + HOUR)).state == "exited"
    assert story.requested == []
    assert story.run is not None
    assert story.run.reason is not None
    assert "LabelRemoved" in story.run.reason


def test_a_run_ends_at_the_next_step_once_a_criterion_no_longer_holds() -> None:
    exit_on = [{"no_longer": {"label": str(DOGS)}}]
    story = Story([SEND, {"wait": {"days": 1}}, {"id": "offer", "send": {"message": str(OFFER)}}], exit_on=exit_on)
    story.given(changed(when=NOON)).starts(assigned(when=NOON)).receives(removed(when=NOON + HOUR))
    assert story.state == "running"
    story.timer_fires()
    assert story.state == "exited"
    assert story.requested == [("send", GUIDE)]
    assert story.steps[-1].saw is not None


def test_no_message_is_sent_to_an_unsubscribed_contact() -> None:
    story = Story([SEND, NURTURED]).given(changed(when=NOON, subscription="unsubscribed"))
    story.starts(assigned(when=NOON))
    assert story.requested == [("assign_label", CATS)]
    assert story.steps[0].result == {"not_sent": "unsubscribed"}


def test_a_step_with_a_deleted_label_fails_the_run_with_a_reason() -> None:
    story = Story([SEND, NURTURED, {"exit": {}}])
    story.deleted.add(CATS)
    story.starts(assigned(when=NOON))
    assert story.state == "failed"
    assert story.taken == ["guide", "nurtured"]
    assert story.run is not None
    assert story.run.reason == f"assign_label {CATS} was deleted"


def test_a_run_continues_after_an_empty_branch() -> None:
    inner = {"id": "if", "if": {"criterion": {"label": str(CATS)}, "then": [SEND], "else": []}}
    story = Story([inner, NURTURED]).starts(assigned(when=NOON))
    assert story.taken == ["if", "nurtured"]


@st.composite
def definitions(draw: st.DrawFn, depth: int = 0) -> list[dict[str, Any]]:
    leaves: list[Any] = [
        {"send": {"message": str(GUIDE)}},
        {"assign_label": {"label": str(CATS)}},
        {"wait": {"hours": 5}},
        {"exit": {}},
    ]
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1 if depth == 0 else 0, 4))):
        kind = draw(st.integers(0, len(leaves) + (1 if depth < 2 else -1)))
        if kind < len(leaves):
            steps.append(leaves[kind])
        else:
            then, otherwise = draw(definitions(depth + 1)), draw(definitions(depth + 1))
            body: dict[str, Any] = {"then": then, "else": otherwise}
            if kind == len(leaves):
                steps.append({"if": {"criterion": {"label": str(CATS)}} | body})
            else:
                steps.append({"wait_for": {"any": [ANY_FORM], "at_most": {"days": 1}} | body})
    return steps


@given(definitions(), st.lists(st.integers(1, 40), max_size=12))
def test_every_run_ends_and_takes_each_step_at_most_once(steps: list[dict[str, Any]], forms: list[int]) -> None:
    story = Story(steps).starts(assigned(when=NOON))
    events = [engaged(when=NOON + hour * HOUR) for hour in sorted(forms)]
    for event in events:
        while story.run and story.run.due_at and story.run.due_at < event.occurred_at:
            story.timer_fires()
        if story.state == "running":
            story.receives(event)
    while story.run and story.run.due_at:
        story.timer_fires()
    assert story.state in ("finished", "exited")
    assert len(story.taken) <= len(story.program.places)
    keys = [step.result["idempotency_key"] for step in story.steps if step.kind == "send"]
    assert len(keys) == len(set(keys)) <= story.program.most_messages


@pytest.mark.parametrize("kind", ["send", "assign_label"])
def test_an_effect_is_caused_by_the_event_that_led_to_its_step(kind: str) -> None:
    step = SEND if kind == "send" else NURTURED
    event, form = assigned(when=NOON), engaged(when=NOON + HOUR)
    story = Story([step, wait_for(ANY_FORM, then=[{"id": "x", "send": {"message": str(OFFER)}}])]).starts(event)
    story.receives(form)
    assert [effect.cause.event_id for effect in story.effects] == [str(event.event_id), str(form.event_id)]


def test_run_ids_of_different_contacts_do_not_collide() -> None:
    assert run_id(WORKFLOW, 1, 21, UUID(int=5)) != run_id(WORKFLOW, 12, 1, UUID(int=5))
