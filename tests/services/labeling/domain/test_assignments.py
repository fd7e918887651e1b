"""The outcome of a command about a contact and a label, for each state of the assignment."""

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


def assertion(origin: Origin) -> AssertLabel:
    return AssertLabel(origin, NOON)


def removal(origin: Origin) -> RemoveLabel:
    return RemoveLabel(origin, NOON)


def withdrawal(supported: Origin, kind: str = "undo") -> TakeBack:
    return TakeBack(supported, Origin(kind=kind), NOON)


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.kind)
def test_the_first_assertion_assigns_and_the_second_confirms(origin: Origin) -> None:
    state, outcome = when(NOTHING, assertion(origin))
    assert outcome == "assigned"
    assert (state.held, state.since) == (True, NOON)

    later = AssertLabel(origin, NOON + timedelta(hours=1))
    state, outcome = when(state, later)
    assert outcome == "confirmed"
    assert state.since == NOON


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.kind)
def test_a_removal_withdraws_all_supports(origin: Origin) -> None:
    state, outcome = when(given_history(*map(assertion, ORIGINS)), removal(origin))
    assert outcome == "removed"
    assert (state.held, state.since, state.click_supports, dict(state.supports)) == (False, None, 0, {})


def test_removing_a_label_that_is_not_held_has_no_outcome() -> None:
    assert when(NOTHING, removal(BY_HAND)) == (NOTHING, None)


@pytest.mark.parametrize("origin", [BY_CLICK, BY_IMPORT, BY_WORKFLOW, BY_API], ids=lambda origin: origin.kind)
def test_automation_does_not_restore_a_label_that_the_contact_removed(origin: Origin) -> None:
    state = given_history(assertion(BY_CLICK), removal(BY_SELF))
    assert when(state, assertion(origin)) == (state, "refused")


@pytest.mark.parametrize("origin", [BY_SELF, BY_HAND], ids=lambda origin: origin.kind)
def test_the_contact_or_a_person_restores_it_and_automation_may_confirm_it(origin: Origin) -> None:
    state, outcome = when(given_history(assertion(BY_CLICK), removal(BY_SELF)), assertion(origin))
    assert outcome == "assigned"
    assert not state.withdrawn_by_self
    assert when(state, assertion(BY_CLICK))[1] == "confirmed"


def test_a_contact_may_decline_a_label_that_it_does_not_hold() -> None:
    state, outcome = when(NOTHING, removal(BY_SELF))
    assert outcome == "declined"
    assert when(state, assertion(BY_IMPORT))[1] == "refused"
    assert when(state, removal(BY_SELF)) == (state, None)


def test_a_click_restores_a_label_that_a_person_removed() -> None:
    assert when(given_history(assertion(BY_IMPORT), removal(BY_HAND)), assertion(BY_CLICK))[1] == "assigned"


def test_a_label_is_held_until_its_last_support_is_withdrawn() -> None:
    state = given_history(assertion(BY_IMPORT), assertion(BY_CLICK))
    state, outcome = when(state, withdrawal(BY_CLICK, "reclassified"))
    assert outcome == "withdrawn"
    assert state.held
    state, outcome = when(state, withdrawal(BY_IMPORT))
    assert outcome == "removed"
    assert not state.held


def test_two_clicks_are_two_supports() -> None:
    state, first = when(given_history(assertion(BY_CLICK), assertion(BY_CLICK)), withdrawal(BY_CLICK, "reclassified"))
    state, second = when(state, withdrawal(BY_CLICK, "reclassified"))
    assert (first, second) == ("withdrawn", "removed")


def test_repeated_assertions_by_one_origin_are_one_support() -> None:
    state = given_history(assertion(BY_WORKFLOW), assertion(BY_WORKFLOW))
    assert when(state, withdrawal(BY_WORKFLOW))[1] == "removed"


def test_withdrawing_an_unknown_support_has_no_outcome() -> None:
    state = given_history(assertion(BY_HAND))
    assert when(state, withdrawal(BY_CLICK)) == (state, None)
    assert when(state, withdrawal(BY_IMPORT)) == (state, None)


def test_a_click_before_a_removal_is_no_longer_a_support() -> None:
    state = given_history(assertion(BY_CLICK), removal(BY_HAND), assertion(BY_HAND))
    assert when(state, withdrawal(BY_CLICK)) == (state, None)


def test_supports_with_different_references_have_different_keys() -> None:
    assert support_key(BY_IMPORT) != support_key(Origin(kind="import", ref="autumn"))
    assert support_key(BY_SELF) == "self:preferences"
    assert support_key(Origin(kind="self")) == "self"


def test_clicks_are_counted_even_if_the_contact_declined_the_label() -> None:
    state = given_history(removal(BY_SELF))
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
commands = st.one_of(origins.map(assertion), origins.map(removal), origins.map(withdrawal))


@given(st.lists(commands, max_size=30))
def test_assignments_and_removals_alternate_and_held_labels_have_supports(history: list[Command]) -> None:
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
def test_a_click_is_counted_and_otherwise_equals_an_assertion(history: list[Command]) -> None:
    before = given_history(*history)
    after, outcome = clicked(before, NOON)
    assert outcome == decide(before, assertion(BY_CLICK))
    uncounted = after._replace(clicks=before.clicks, first_click=before.first_click, last_click=before.last_click)
    assert uncounted == evolve(before, assertion(BY_CLICK), outcome)
    assert after.clicks == before.clicks + 1
