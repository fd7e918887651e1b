"""Which events a trigger matches, and finding the triggers that match an event."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.workflow.domain.definitions import AnyTrigger
from services.workflow.domain.matching import TriggerIndex, matches
from services.workflow.domain.triggers import Trigger
from shared.events.envelope import ContactEvent
from shared.events.parts import Origin, Send
from tests.services.workflow.events import (
    CATS,
    DOGS,
    GUIDE,
    LINK,
    OFFER,
    REGULARS,
    assigned,
    changed,
    clicked,
    engaged,
    entered,
    left,
    now,
    removed,
)

RUN = UUID("01890000-0000-7000-8000-0000000000ff")
read: TypeAdapter[AnyTrigger] = TypeAdapter(Trigger)


def trigger(**members: object) -> AnyTrigger:
    return read.validate_json(TypeAdapter(dict[str, object]).dump_json(members))


@pytest.mark.parametrize(
    ("members", "event", "expected"),
    [
        ({"on": "LabelAssigned", "label": DOGS}, assigned(), True),
        ({"on": "LabelAssigned", "label": DOGS}, assigned(CATS), False),
        ({"on": "LabelAssigned", "label": DOGS}, removed(), False),
        ({"on": "LabelRemoved", "label": DOGS}, removed(), True),
        ({"on": "LabelAssigned", "label": DOGS}, assigned(origin=Origin(kind="label_merged")), False),
        ({"on": "LabelAssigned", "label": DOGS}, assigned(origin=Origin(kind="a kind of tomorrow")), True),
        (
            {"on": "LabelAssigned", "label": DOGS, "origins": ["label_merged"]},
            assigned(origin=Origin(kind="label_merged")),
            True,
        ),
        ({"on": "LabelAssigned", "label": DOGS, "origins": ["click"]}, assigned(origin=Origin(kind="import")), False),
        ({"on": "SegmentEntered", "segment": REGULARS}, entered(), True),
        ({"on": "SegmentEntered", "segment": REGULARS}, entered(reason="time"), True),
        ({"on": "SegmentEntered", "segment": REGULARS}, entered(reason="definition"), False),
        ({"on": "SegmentEntered", "segment": REGULARS, "include_existing": True}, entered(reason="definition"), True),
        ({"on": "SegmentLeft", "segment": REGULARS}, left(), True),
        ({"on": "SegmentLeft", "segment": REGULARS}, entered(), False),
        ({"on": "ContactClicked"}, clicked(), True),
        ({"on": "ContactClicked"}, clicked(verdict="machine"), False),
        ({"on": "ContactClicked"}, clicked(verdict="unsure"), False),
        ({"on": "ContactClicked", "label": DOGS}, clicked(labels=(CATS, DOGS)), True),
        ({"on": "ContactClicked", "label": DOGS}, clicked(labels=(CATS,)), False),
        ({"on": "ContactClicked", "message": GUIDE, "link": LINK}, clicked(), True),
        ({"on": "ContactClicked", "message": OFFER, "link": LINK}, clicked(), False),
        ({"on": "ContactClicked", "url": "https://shop.example/puppies"}, clicked(), True),
        ({"on": "ContactClicked", "url": "https://shop.example/pup"}, clicked(), False),
        ({"on": "ContactClicked", "url_starts_with": "https://shop.example/pup"}, clicked(), True),
        ({"on": "ContactClicked", "send": "spring"}, clicked(send="spring"), True),
        ({"on": "ContactClicked", "send": "spring"}, clicked(), False),
        ({"on": "ContactClicked", "send": "this_run"}, clicked(send=str(RUN)), True),
        ({"on": "ContactClicked", "send": "this_run"}, clicked(send="this_run"), False),
        ({"on": "ContactEngaged", "kind": "form.submitted"}, engaged(), True),
        ({"on": "ContactEngaged", "kind": "form.submitted", "ref": "contest"}, engaged(), False),
        ({"on": "ContactEngaged", "kind": "x", "where": {"a": 1}}, engaged("x", attributes={"a": 1, "b": 2}), True),
        ({"on": "ContactEngaged", "kind": "x", "where": {"a": 1}}, engaged("x", attributes={"a": 1.0}), True),
        ({"on": "ContactEngaged", "kind": "x", "where": {"a": 1}}, engaged("x", attributes={"a": True}), False),
        ({"on": "ContactEngaged", "kind": "x", "where": {"a": "1"}}, engaged("x", attributes={"a": 1}), False),
        ({"on": "ContactEngaged", "kind": "x", "where": {"a": 1}}, engaged("x"), False),
        (
            {"on": "ContactEngaged", "kind": "message.opened"},
            engaged("message.opened", send=Send(kind="test", id="t", sent_at=now())),
            False,
        ),
    ],
)
def test_a_trigger_matches_only_events_that_have_all_its_members(
    members: dict[str, object], event: ContactEvent, expected: bool
) -> None:
    assert matches(trigger(**members), event, RUN) is expected


labels = st.sampled_from([DOGS, CATS])
messages = st.sampled_from([GUIDE, OFFER])
urls = st.sampled_from(["https://a.example/", "https://a.example/x", "https://b.example/"])
sends = st.sampled_from(["spring", "summer"])
kinds = st.sampled_from(["form.submitted", "page.visited"])

triggers = st.one_of(
    st.builds(
        lambda on, label: trigger(on=on, label=label), st.sampled_from(["LabelAssigned", "LabelRemoved"]), labels
    ),
    st.builds(lambda on: trigger(on=on, segment=REGULARS), st.sampled_from(["SegmentEntered", "SegmentLeft"])),
    st.builds(lambda kind: trigger(on="ContactEngaged", kind=kind), kinds),
    st.fixed_dictionaries(
        {"on": st.just("ContactClicked")},
        optional={"label": labels, "message": messages, "url": urls, "send": sends, "url_starts_with": urls},
    ).map(lambda members: trigger(**members)),
)
events = st.one_of(
    labels.map(assigned),
    labels.map(removed),
    st.builds(entered),
    st.builds(left),
    st.builds(changed),
    kinds.map(engaged),
    st.builds(
        lambda carried, message, url, send: clicked(labels=tuple(carried), message=message, url=url, send=send),
        st.sets(labels),
        messages,
        urls,
        st.one_of(st.none(), sends),
    ),
)


@given(st.lists(triggers, max_size=30), events)
def test_the_index_finds_the_same_triggers_as_a_scan(asked: list[AnyTrigger], event: ContactEvent) -> None:
    index = TriggerIndex((one, number) for number, one in enumerate(asked))
    assert set(index.find(event)) == {number for number, one in enumerate(asked) if matches(one, event)}
