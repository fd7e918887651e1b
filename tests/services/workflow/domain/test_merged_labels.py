"""A criterion or trigger on a merged label means both labels."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.facts import StoredFacts
from services.workflow.domain.merged_labels import NONE_MERGED, MergedLabels
from shared.criteria import Criterion, History, evaluate, parse, with_merged_labels
from shared.criteria.merged_labels import MergedLabels as SharedMergedLabels
from shared.events.envelope import ContactEvent
from shared.events.parts import Origin
from tests.services.workflow.domain.story import NOON, seen
from tests.services.workflow.events import CATS, DOGS, GUIDE, assigned, changed, clicked, removed
from tests.shared.criteria.strategies import TODAY, ZONE, criteria, events_of, facts_with_merged_labels, merges

KITTENS = UUID("01890000-0000-7000-8000-0000000000c1")
MERGED = MergedLabels({KITTENS: CATS})


def true_of(criterion: dict[str, Any], *events: ContactEvent, merged: MergedLabels = MERGED) -> bool:
    facts = StoredFacts()
    for event in (changed(when=NOON), *events):
        facts.apply(event, ZONE)
    resolved = with_merged_labels(parse(criterion), merged.last)
    return evaluate(resolved, merged.facts(facts), NOON.date()).truth


@pytest.mark.parametrize("named", [CATS, KITTENS])
@pytest.mark.parametrize("held", [CATS, KITTENS])
def test_holding_either_label_counts_as_holding_both(named: UUID, held: UUID) -> None:
    criterion = {"label": {"id": str(named)}}
    assert true_of(criterion, assigned(held, when=NOON))
    assert not true_of(criterion, assigned(DOGS, when=NOON))
    # During the merge, the target is assigned before the merged label is removed.
    assert true_of(criterion, assigned(KITTENS, when=NOON), assigned(CATS, when=NOON), removed(KITTENS, when=NOON))


def test_a_click_that_names_both_labels_counts_once() -> None:
    both = {"clicks": {"label": str(KITTENS), "exactly": 2}}
    assert true_of(both, clicked(labels=(KITTENS, CATS), when=NOON), clicked(labels=(CATS,), when=NOON))
    rather_cats = {"more_clicks": {"label": str(CATS), "than": str(DOGS)}}
    dogs, kittens = clicked(labels=(DOGS,), when=NOON), clicked(labels=(KITTENS,), when=NOON)
    assert true_of(rather_cats, kittens, kittens, dogs)
    assert not true_of(rather_cats, kittens, kittens, dogs, merged=NONE_MERGED)


def test_only_the_contact_itself_can_refuse_a_merged_label_that_was_given_back() -> None:
    criterion = {"clicks": {"label": str(CATS)}}
    refused = (clicked(labels=(KITTENS,), when=NOON), removed(KITTENS, when=NOON, origin=Origin(kind="self")))
    assert not true_of(criterion, *refused)
    given_back = assigned(CATS, when=NOON, origin=Origin(kind="manual"), given_back=(KITTENS,))
    assert true_of(criterion, *refused, given_back)
    assert true_of(criterion, *refused, given_back, removed(CATS, when=NOON))
    # The contact held the label before the merge, and did not lose it.
    held = assigned(CATS, when=NOON)
    assert not true_of(criterion, *refused, held, removed(CATS, when=NOON))
    again = removed(CATS, when=NOON, origin=Origin(kind="self"))
    assert not true_of(criterion, *refused, given_back, again)


def test_an_event_of_one_label_is_read_as_an_event_of_both() -> None:
    readings = [one.event for one in MERGED.readings(seen(assigned(CATS, when=NOON)))]
    assert [event.label_id for event in readings if hasattr(event, "label_id")] == [CATS, KITTENS]
    first, second = [one.event for one in MERGED.readings(seen(clicked(labels=(KITTENS,), when=NOON)))]
    assert first.event_id == second.event_id
    assert [label.id for label in getattr(second, "labels", ())] == [KITTENS, CATS]
    assert len(list(MERGED.readings(seen(assigned(DOGS, when=NOON))))) == 1


def test_a_chain_of_merges_resolves_to_its_last_label() -> None:
    chain = MergedLabels({KITTENS: CATS, CATS: DOGS})
    assert set(chain.alike(KITTENS)) == {KITTENS, CATS, DOGS}
    assert chain.last == {KITTENS: DOGS, CATS: DOGS}
    assert MergedLabels({CATS: DOGS, DOGS: CATS}).last.keys() == {CATS, DOGS}, "resolving a cycle terminates"


@given(st.lists(events_of(st.just(1)), max_size=15), criteria)
def test_evaluation_is_unchanged_without_merged_labels(events: list[ContactEvent], criterion: Any) -> None:
    facts = StoredFacts()
    for event in events:
        facts.apply(event, ZONE)
    resolved = evaluate(with_merged_labels(criterion, {}), NONE_MERGED.facts(facts), TODAY)
    assert resolved.tree() == evaluate(criterion, facts, TODAY).tree()
    unrelated = MergedLabels({GUIDE: KITTENS})
    again = evaluate(with_merged_labels(criterion, unrelated.last), unrelated.facts(facts), TODAY)
    assert again.truth == resolved.truth


@given(st.lists(events_of(st.just(1)), max_size=15), criteria, merges)
def test_facts_with_merged_labels_agree_with_the_plain_evaluation(
    events: list[ContactEvent], criterion: Criterion, shared: SharedMergedLabels
) -> None:
    facts, history = StoredFacts(), History(ZONE, 1)
    for event in events:
        facts.apply(event, ZONE)
        history.apply(event)
    merged = MergedLabels(shared.last)
    resolved = with_merged_labels(criterion, merged.last)
    plain = evaluate(resolved, facts_with_merged_labels(history.facts(), shared), TODAY)
    assert evaluate(resolved, merged.facts(facts), TODAY).truth == plain.truth
