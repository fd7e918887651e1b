"""The result of a statement about a contact and a label, for each state."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.assignments import (
    NOTHING,
    AssertLabel,
    Assignment,
    Command,
    Outcome,
    RemoveLabel,
    TakeBack,
    clicked,
    decide,
    evolve,
    support_key,
)
from shared.events.parts import Origin

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = UUID("01900000-0000-7000-8000-000000000001")
WORKFLOW = UUID("01900000-0000-7000-8000-000000000002")

BY_CLICK = Origin(kind="click", click_id=KEY)
BY_IMPORT = Origin(kind="import", ref="spring")
BY_HAND = Origin(kind="manual", key_id=KEY)
BY_SELF = Origin(kind="self", ref="preferences")
BY_WORKFLOW = Origin(kind="workflow", workflow_id=WORKFLOW)
BY_API = Origin(kind="api", key_id=KEY)
ORIGINS = [BY_CLICK, BY_IMPORT, BY_HAND, BY_SELF, BY_WORKFLOW, BY_API]


def given_history(*commands: Command) -> Assignment:
    state = NOTHING
    for command in commands:
        state, _ = when(state, command)
    return state


def when(state: Assignment, command: Command) -> tuple[Assignment, Outcome | None]:
    outcome = decide(state, command)
    return (state if outcome is None else evolve(state, command, outcome)), outcome


def says(origin: Origin) -> AssertLabel:
    return AssertLabel(origin, NOON)


def takes_away(origin: Origin) -> RemoveLabel:
    return RemoveLabel(origin, NOON)


def takes_back(supported: Origin, kind: str = "undo") -> TakeBack:
    return TakeBack(supported, Origin(kind=kind), NOON)


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.kind)
def test_the_first_assertion_assigns_and_the_second_confirms(origin: Origin) -> None:
    state, outcome = when(NOTHING, says(origin))
    assert outcome == "assigned"
    assert (state.held, state.since) == (True, NOON)

    later = AssertLabel(origin, NOON + timedelta(hours=1))
    state, outcome = when(state, later)
    assert outcome == "confirmed"
    assert state.since == NOON


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.kind)
def test_a_removal_removes_whatever_the_label_rests_on(origin: Origin) -> None:
    state, outcome = when(given_history(*map(says, ORIGINS)), takes_away(origin))
    assert outcome == "removed"
    assert (state.held, state.since, state.click_supports, dict(state.supports)) == (False, None, 0, {})


def test_removing_what_is_not_held_is_nothing() -> None:
    assert when(NOTHING, takes_away(BY_HAND)) == (NOTHING, None)


@pytest.mark.parametrize("origin", [BY_CLICK, BY_IMPORT, BY_WORKFLOW, BY_API], ids=lambda origin: origin.kind)
def test_automation_does_not_give_back_what_the_contact_removed(origin: Origin) -> None:
    state = given_history(says(BY_CLICK), takes_away(BY_SELF))
    assert when(state, says(origin)) == (state, "refused")


@pytest.mark.parametrize("origin", [BY_SELF, BY_HAND], ids=lambda origin: origin.kind)
def test_the_contact_and_a_person_give_it_back_and_automation_counts_again(origin: Origin) -> None:
    state, outcome = when(given_history(says(BY_CLICK), takes_away(BY_SELF)), says(origin))
    assert outcome == "assigned"
    assert not state.withdrawn_by_self
    assert when(state, says(BY_CLICK))[1] == "confirmed"


def test_a_contact_may_say_no_beforehand() -> None:
    state, outcome = when(NOTHING, takes_away(BY_SELF))
    assert outcome == "declined"
    assert when(state, says(BY_IMPORT))[1] == "refused"
    assert when(state, takes_away(BY_SELF)) == (state, None)


def test_a_click_gives_back_what_a_person_removed() -> None:
    assert when(given_history(says(BY_IMPORT), takes_away(BY_HAND)), says(BY_CLICK))[1] == "assigned"


def test_an_imported_and_clicked_label_stays_when_the_click_is_taken_back() -> None:
    state = given_history(says(BY_IMPORT), says(BY_CLICK))
    state, outcome = when(state, takes_back(BY_CLICK, "reclassified"))
    assert outcome == "withdrawn"
    assert state.held
    state, outcome = when(state, takes_back(BY_IMPORT))
    assert outcome == "removed"
    assert not state.held


def test_two_clicks_are_two_supports() -> None:
    state, first = when(given_history(says(BY_CLICK), says(BY_CLICK)), takes_back(BY_CLICK, "reclassified"))
    state, second = when(state, takes_back(BY_CLICK, "reclassified"))
    assert (first, second) == ("withdrawn", "removed")


def test_the_same_origin_twice_is_one_support() -> None:
    state = given_history(says(BY_WORKFLOW), says(BY_WORKFLOW))
    assert when(state, takes_back(BY_WORKFLOW))[1] == "removed"


def test_taking_back_what_was_never_said_is_nothing() -> None:
    state = given_history(says(BY_HAND))
    assert when(state, takes_back(BY_CLICK)) == (state, None)
    assert when(state, takes_back(BY_IMPORT)) == (state, None)


def test_a_click_from_before_a_removal_is_no_support_any_more() -> None:
    state = given_history(says(BY_CLICK), takes_away(BY_HAND), says(BY_HAND))
    assert when(state, takes_back(BY_CLICK)) == (state, None)


def test_supports_of_other_references_stay_apart() -> None:
    assert support_key(BY_IMPORT) != support_key(Origin(kind="import", ref="autumn"))
    assert support_key(BY_SELF) == "self:preferences"
    assert support_key(Origin(kind="self")) == "self"


def test_clicks_are_counted_also_while_the_contact_does_not_want_the_label() -> None:
    state = given_history(takes_away(BY_SELF))
    state, outcome = clicked(state, NOON)
    assert outcome == "refused"
    assert (state.clicks, state.first_click, state.last_click, state.held) == (1, NOON, NOON, False)


def test_the_first_and_the_last_click_do_not_depend_on_the_order_of_arrival() -> None:
    state, _ = clicked(NOTHING, NOON)
    state, _ = clicked(state, NOON - timedelta(days=1))
    state, _ = clicked(state, NOON + timedelta(days=1))
    assert (state.first_click, state.last_click, state.clicks) == (
        NOON - timedelta(days=1),
        NOON + timedelta(days=1),
        3,
    )


origins = st.sampled_from(ORIGINS)
commands = st.one_of(origins.map(says), origins.map(takes_away), origins.map(takes_back))


@given(st.lists(commands, max_size=30))
def test_assignments_and_removals_alternate_and_held_means_supported(history: list[Command]) -> None:
    state, held = NOTHING, False
    for command in history:
        state, outcome = when(state, command)
        if outcome == "assigned":
            assert not held
            held = True
        elif outcome == "removed":
            assert held
            held = False
        assert state.held == held
        assert held == (state.click_supports > 0 or bool(state.supports))
        assert held == (state.since is not None)
        assert not (held and state.withdrawn_by_self)


@given(st.lists(commands, max_size=15))
def test_a_click_in_one_step_is_counting_and_asserting(history: list[Command]) -> None:
    before = given_history(*history)
    after, outcome = clicked(before, NOON)
    assert outcome == decide(before, says(BY_CLICK))
    uncounted = after._replace(clicks=before.clicks, first_click=before.first_click, last_click=before.last_click)
    assert uncounted == evolve(before, says(BY_CLICK), outcome)
    assert after.clicks == before.clicks + 1
