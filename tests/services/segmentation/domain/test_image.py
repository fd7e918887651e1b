"""The image has the same members as the plain evaluation, for any criterion and any history."""

from datetime import UTC, datetime
from itertools import pairwise
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain import column
from services.segmentation.domain.concerns import concerns
from services.segmentation.domain.contact_facts import SliceFacts
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.folding import Days, fold
from services.segmentation.domain.slice import Slice
from shared.criteria import Criterion, History, MergedLabels, evaluate, parse, with_merged_labels
from shared.events.envelope import ContactEvent
from shared.events.parts import Origin
from tests.services.segmentation.domain.one_slice import CONTACTS, FIRST, PARTITIONS, histories
from tests.services.workflow.events import CATS, DOGS, assigned, changed, clicked, removed
from tests.shared.criteria.strategies import (
    TODAY,
    ZONE,
    contacts_of,
    criteria,
    facts_with_merged_labels,
    fields,
    merges,
)

cuts = st.lists(st.integers(0, 60), max_size=4).map(lambda found: sorted({0, 60, *found}))


def naive(criterion: Criterion, histories: dict[int, History]) -> set[int]:
    return {
        contact // PARTITIONS
        for contact, history in histories.items()
        if evaluate(criterion, history.facts(), TODAY).truth
    }


@settings(max_examples=200, deadline=None)
@given(criteria, histories, cuts)
def test_the_image_has_the_members_of_the_plain_evaluation(
    criterion: Criterion, events: list[ContactEvent], cuts: list[int]
) -> None:
    image, days = Slice(TODAY.toordinal(), PARTITIONS, FIRST), Days(ZONE)
    histories = {contact: History(ZONE, contact) for contact in CONTACTS}
    members: set[int] = set()
    for start, end in pairwise(cuts):
        touched = fold(image, events[start:end], days, PARTITIONS)
        for event in events[start:end]:
            histories[event.contact_id].apply(event)
        expected = naive(criterion, histories)
        assert set(Evaluator(image).members(criterion)) == expected
        changed = set(Evaluator(image, touched.contacts, keep=True).members(criterion))
        if touched.names & concerns(criterion):
            members = (members - set(touched.contacts)) | changed
        assert members == expected
    for contact in CONTACTS:
        seen = evaluate(criterion, SliceFacts(image, contact // PARTITIONS), TODAY)
        plain = evaluate(criterion, histories[contact].facts(), TODAY)
        assert (seen.truth, [part.truth for part in seen.parts]) == (plain.truth, [part.truth for part in plain.parts])


@settings(max_examples=100, deadline=None)
@given(
    fields.map(parse),
    st.lists(contacts_of(st.sampled_from(CONTACTS)), max_size=20),
    st.sets(st.sampled_from([0, 1, 2, 3])),
)
def test_texts_beyond_the_limit_of_the_dictionary_are_found(
    criterion: Criterion, events: list[ContactEvent], within: set[int]
) -> None:
    image = Slice(TODAY.toordinal(), PARTITIONS, FIRST)
    histories = {contact: History(ZONE, contact) for contact in CONTACTS}
    with patch.object(column, "MAX_INDEXED_TEXTS", 1):
        for event in events:
            fold(image, [event], Days(ZONE), PARTITIONS)
            histories[event.contact_id].apply(event)
    expected = naive(criterion, histories)
    assert set(Evaluator(image).members(criterion)) == expected
    assert set(Evaluator(image, BitMap(within)).members(criterion)) == expected & within


@settings(max_examples=100, deadline=None)
@given(st.lists(criteria, min_size=1, max_size=4), histories, st.integers(1, 50))
def test_windows_move_when_a_day_passes(asked: list[Criterion], events: list[ContactEvent], shift: int) -> None:
    image, days = Slice(TODAY.toordinal(), PARTITIONS, FIRST), Days(ZONE)
    fold(image, events, days, PARTITIONS)
    histories = {contact: History(ZONE, contact) for contact in CONTACTS}
    for event in events:
        histories[event.contact_id].apply(event)
    for criterion in asked:
        Evaluator(image, keep=True).members(criterion)
    assert image.advance_to(TODAY.toordinal() + shift)
    assert not image.advance_to(TODAY.toordinal())
    later = TODAY.fromordinal(image.day)
    for criterion in asked:
        expected = {
            contact // PARTITIONS
            for contact, history in histories.items()
            if evaluate(criterion, history.facts(), later).truth
        }
        assert set(Evaluator(image, keep=True).members(criterion)) == expected
        assert set(Evaluator(image, BitMap([0, 1])).members(criterion)) == expected & {0, 1}


def test_only_the_contact_itself_can_refuse_a_merged_label_that_was_given_back() -> None:
    image, days, history = Slice(TODAY.toordinal(), 1), Days(ZONE), History(ZONE, 7)
    image.merged = MergedLabels({DOGS: CATS})
    criterion = parse({"clicks": {"label": str(CATS)}})
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
    oneself, person = Origin(kind="self"), Origin(kind="manual")
    story: list[tuple[list[ContactEvent], bool]] = [
        ([changed(when=noon), clicked(labels=(DOGS,), when=noon), removed(DOGS, when=noon, origin=oneself)], False),
        ([assigned(CATS, when=noon, origin=person, given_back=(DOGS,))], True),
        ([removed(CATS, when=noon, origin=person)], True),
        ([removed(CATS, when=noon, origin=oneself)], False),
    ]
    for events, expected in story:
        fold(image, events, days, 1)
        for event in events:
            history.apply(event)
        facts = facts_with_merged_labels(history.facts(), image.merged)
        assert evaluate(criterion, facts, TODAY).truth == expected
        assert (7 in Evaluator(image).members(criterion)) == expected


@settings(max_examples=200, deadline=None)
@given(criteria, histories, merges, st.sets(st.sampled_from([0, 1, 2, 3])), st.booleans())
def test_merged_labels_are_evaluated_as_one_label(
    criterion: Criterion, events: list[ContactEvent], merged: MergedLabels, within: set[int], keep: bool
) -> None:
    image, days = Slice(TODAY.toordinal(), PARTITIONS, FIRST), Days(ZONE)
    histories = {contact: History(ZONE, contact) for contact in CONTACTS}
    fold(image, events, days, PARTITIONS)
    for event in events:
        histories[event.contact_id].apply(event)
    image.merged = merged
    resolved = with_merged_labels(criterion, merged.last)
    plain = {
        contact // PARTITIONS: evaluate(resolved, facts_with_merged_labels(history.facts(), merged), TODAY)
        for contact, history in histories.items()
    }
    expected = {index for index, seen in plain.items() if seen.truth}
    assert set(Evaluator(image, keep=keep).members(criterion)) == expected
    assert set(Evaluator(image, BitMap(within), keep=keep).members(criterion)) == expected & within
    for index, seen in plain.items():
        assert evaluate(resolved, SliceFacts(image, index), TODAY).truth == seen.truth
