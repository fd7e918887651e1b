"""Audiences and content equal the plain evaluation, contact by contact."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain.audience import (
    Audience,
    Subset,
    count_parts,
    decide_for_many,
    denied,
    select,
    skipped_of,
    subset_of,
)
from services.segmentation.domain.campaigns import Frozen
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.folding import Days, fold
from services.segmentation.domain.slice import Slice
from services.segmentation.domain.snapshot_parts import pack
from shared.criteria import Criterion, Facts, History, evaluate
from shared.criteria.content import Block, Variant, decide_content
from shared.criteria.sampling import sampled
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged
from tests.services.segmentation.domain.one_slice import CONTACTS, FIRST, PARTITIONS
from tests.shared.criteria.strategies import TODAY, ZONE, criteria, events_of

histories = st.lists(events_of(st.sampled_from(CONTACTS)), max_size=40)
several = st.lists(criteria, max_size=3)
blocks_of = st.lists(
    st.lists(criteria, max_size=3).map(
        lambda found: tuple(Variant(f"v{number}", criterion) for number, criterion in enumerate(found))
    ),
    max_size=3,
).map(lambda found: [Block(f"b{number}", variants) for number, variants in enumerate(found)])


def image_and_histories(events: list[ContactEvent]) -> tuple[Slice, dict[int, History]]:
    image = Slice(TODAY.toordinal(), PARTITIONS, FIRST)
    fold(image, events, Days(ZONE), PARTITIONS)
    histories = {contact: History(ZONE, contact) for contact in CONTACTS}
    for event in events:
        histories[event.contact_id].apply(event)
    return image, histories


@settings(max_examples=100, deadline=None)
@given(histories, several, several, st.sampled_from([0, 30, 100]))
def test_an_audience_is_include_minus_exclude_minus_suppressed_minus_held_out(
    events: list[ContactEvent], include: list[Criterion], exclude: list[Criterion], percent: float
) -> None:
    image, histories = image_and_histories(events)
    audience = Audience(include, exclude, percent, "seed")
    found = select(Evaluator(image), audience)
    where: dict[int, str] = {}
    for contact, history in histories.items():
        facts = history.facts()
        chosen = any(evaluate(one, facts, TODAY).truth for one in include)
        if chosen and not any(evaluate(one, facts, TODAY).truth for one in exclude):
            subscription = facts.attribute("subscription") or "unknown"
            held = subscription == "subscribed" and sampled("seed", percent, contact) and percent > 0
            where[contact // PARTITIONS] = "held out" if held else subscription
    assert set(found.audience) == {index for index, place in where.items() if place == "subscribed"}
    assert set(found.held_out) == {index for index, place in where.items() if place == "held out"}
    others = {index: place for index, place in where.items() if place not in ("subscribed", "held out")}
    assert {index: reason for reason, contacts in found.suppressed.items() for index in contacts} == others
    parts = count_parts(Evaluator(image), audience)
    assert len(parts) == len(include) + len(exclude)
    assert all(part.only_here <= part.count for part in parts)


def is_true(facts: Facts, criterion: Criterion) -> bool:
    return evaluate(criterion, facts, TODAY).truth


@settings(max_examples=100, deadline=None)
@given(histories, blocks_of)
def test_content_for_many_contacts_equals_the_content_of_each(events: list[ContactEvent], blocks: list[Block]) -> None:
    image, histories = image_and_histories(events)
    all_contacts = BitMap([contact // PARTITIONS for contact in CONTACTS])
    decided = decide_for_many(Evaluator(image), blocks, all_contacts)
    for contact, history in histories.items():
        facts = history.facts()
        expected = decide_content(blocks, partial(is_true, facts))
        index = contact // PARTITIONS
        found = {
            block: [variant for variant, contacts in by_variant.items() if index in contacts]
            for block, by_variant in decided.items()
        }
        assert found == {block: [variant] for block, variant in expected.items()}


def changed(contact: int, **state: Any) -> ContactChanged:
    known: dict[str, Any] = {"state": "active", "subscription": "subscribed", "tracking_consent": "granted"}
    return ContactChanged(
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
        account_id=1,
        contact_id=contact,
        external_id=None,
        email=None,
        fields={},
        **known | state,
    )


def test_contacts_that_can_no_longer_be_sent_to_are_skipped_for_one_reason() -> None:
    image = Slice(TODAY.toordinal(), 1)
    days = Days(ZONE)
    fold(image, [changed(one) for one in range(1, 6)] + [changed(4, tracking_consent="denied")], days, 1)
    audience = BitMap(range(1, 6))
    before = denied(image) & audience
    assert set(before) == {4}
    later = [
        changed(5, tracking_consent="denied"),
        changed(1, tracking_consent="denied", subscription="unsubscribed"),
        changed(2, state="erased"),
        changed(3, subscription="blocked"),
    ]
    fold(image, later, days, 1)
    found = {reason: set(contacts) for reason, contacts in skipped_of(image, audience, before).items()}
    assert found == {"erased": {2}, "consent_denied": {5}, "unsubscribed": {1}, "blocked": {3}}
    fold(image, [changed(5)], days, 1)
    assert "consent_denied" not in skipped_of(image, audience, before)


def test_a_frozen_audience_is_also_loaded_from_the_format_of_an_earlier_version() -> None:
    sets = [BitMap([number]) for number in range(7)]
    content = {"hero": {"dogs": sets[3], "": sets[4]}}
    frozen = Frozen(sets[0], sets[1], {"blocked": sets[2]}, content, sets[5], [sets[6]])
    assert Frozen.load(frozen.dump()) == frozen
    earlier = pack({"suppressed": ["blocked"], "content": {"hero": ["dogs", ""]}}, sets[:5])
    assert Frozen.load(earlier) == Frozen(sets[0], sets[1], {"blocked": sets[2]}, content)


@settings(max_examples=100, deadline=None)
@given(histories, several, several, blocks_of, st.sampled_from([0, 30, 100]))
def test_every_count_of_an_audience_equals_its_subset_of_contacts(
    events: list[ContactEvent],
    include: list[Criterion],
    exclude: list[Criterion],
    blocks: list[Block],
    percent: float,
) -> None:
    image, _ = image_and_histories(events)
    audience = Audience(include, exclude, percent, "seed")
    evaluator = Evaluator(image)
    selection = select(evaluator, audience)
    subset = partial(subset_of, evaluator, audience, blocks)
    assert subset(Subset(status="audience")) == selection.audience
    assert subset(Subset(status="held_out")) == selection.held_out
    suppressed = subset(Subset(status="suppressed"))
    for reason, contacts in selection.suppressed.items():
        assert subset(Subset(status="suppressed", reason=reason)) == contacts
        suppressed -= contacts
    assert not suppressed
    for block, by_variant in decide_for_many(evaluator, blocks, selection.audience).items():
        for variant, contacts in by_variant.items():
            assert subset(Subset(status="audience", block=block, variant=variant)) == contacts
