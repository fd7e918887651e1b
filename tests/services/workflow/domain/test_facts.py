"""A criterion has the same result on stored facts as in the plain evaluation, for random histories."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.facts import StoredFacts
from shared.criteria import Criterion, History, evaluate
from shared.criteria.comparing import day_of
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged
from shared.events.parts import Send
from tests.services.workflow.events import (
    CATS,
    DOGS,
    REGULARS,
    assigned,
    changed,
    clicked,
    engaged,
    entered,
    left,
    removed,
)
from tests.shared.criteria.strategies import TODAY, ZONE, criteria, events_of

BRUSSELS = ZoneInfo("Europe/Brussels")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def folded(*events: ContactEvent) -> StoredFacts:
    facts = StoredFacts()
    for event in events:
        facts.apply(event, BRUSSELS)
        facts = StoredFacts(facts.stored())
    return facts


@given(st.lists(events_of(st.just(1)), max_size=25), criteria)
def test_stored_facts_agree_with_the_plain_evaluation(events: list[ContactEvent], criterion: Criterion) -> None:
    history, facts = History(ZONE, 1), StoredFacts(None, 1)
    for event in events:
        history.apply(event)
        facts.apply(event, ZONE)
        facts = StoredFacts(facts.stored(), 1)
        if isinstance(event, ContactChanged) and event.state != "active":
            assert facts.stored() is None, "no facts are stored of a contact that is not active"
            return
    plain = evaluate(criterion, history.facts(), TODAY)
    stored = evaluate(criterion, facts, TODAY)
    assert stored.truth == plain.truth
    assert stored.tree() == plain.tree()


def test_a_contact_without_stored_facts_keeps_its_id_for_sampling() -> None:
    facts = StoredFacts(None, 7)
    facts.apply(clicked(contact=7, verdict="machine"), ZONE)
    assert facts.stored() is None
    assert StoredFacts(facts.stored(), 7).contact_id == 7


def test_equal_clicks_of_a_day_are_stored_as_one_entry_with_a_count() -> None:
    facts = folded(*(clicked(when=NOON + timedelta(minutes=minute)) for minute in range(50)))
    assert [entry[-1] for entry in facts.raw["c"]] == [50]


def test_days_are_in_the_time_zone_of_the_account() -> None:
    late = clicked(when=datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    assert folded(late).raw["c"][0][0] == day_of(late.occurred_at, BRUSSELS).toordinal()


@pytest.mark.parametrize("number", [10**400, -(2**63) - 1, 2**64, 1e308, 0])
def test_stores_any_number_that_json_can_hold(number: float) -> None:
    assert folded(changed(fields={"age": number}), clicked()).value("age") == number


def test_removed_labels_and_left_segments_leave_no_stored_facts() -> None:
    assert folded(assigned(DOGS), assigned(CATS), removed(DOGS), removed(CATS)).stored() is None
    assert folded(entered(), left()).stored() is None


def test_a_membership_records_the_event_that_started_it() -> None:
    first = entered()
    facts = folded(first, entered())
    assert facts.entered_by(REGULARS) == first.event_id
    assert facts.segments == [REGULARS]
    assert facts.entered_by(UUID(int=5)) is None


def test_test_sends_and_machine_clicks_do_not_count() -> None:
    test_send = Send(kind="test", id="t", sent_at=NOON)
    facts = folded(clicked(verdict="machine"), clicked(verdict="unsure"), engaged("message.opened", send=test_send))
    assert facts.stored() is None
