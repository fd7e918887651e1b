"""Events are described in sentences."""

from typing import Any
from uuid import UUID

import pytest

from deploy.command_line import feed
from deploy.command_line.feed import CONTACT_TOPICS, Names, sentence, why
from shared.events.codec import Tombstone
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelChanged, LabelRemoved
from shared.events.parts import Origin
from shared.events.registry import EVENTS
from shared.events.segmentation import SegmentEntered
from shared.events.tracking import MessageChanged, MessageLink
from shared.events.workflow import SetField, Uses, WorkflowChanged
from tests.shared.events.examples import DOGS, LINK, MESSAGE, NOON, click

WORKFLOW = UUID("01900000-0000-7000-8000-0000000000f0")
ABOUT: dict[str, Any] = {"occurred_at": NOON, "account_id": 7, "contact_id": 12}
CLICKED = Origin(kind="click", click_id=LINK, message_id=MESSAGE, link_id=LINK)


@pytest.fixture
def names() -> Names:
    learned = Names()
    link = MessageLink(id=LINK, number=1, url="https://shop.example/dogs", text="Puppy food", trackable=True)
    label = LabelChanged(
        occurred_at=NOON, account_id=7, label_id=DOGS, label_name="Dogs", description="", visibility="public"
    )
    learned.learn(label)
    learned.learn(
        MessageChanged(
            occurred_at=NOON, account_id=7, message_id=MESSAGE, message_name="Spring", revision=1, links=(link,)
        )
    )
    learned.learn(
        WorkflowChanged(
            occurred_at=NOON,
            account_id=7,
            workflow_id=WORKFLOW,
            workflow_name="Puppies",
            workflow_version=1,
            state="active",
            definition={},
            uses=Uses(),
        )
    )
    return learned


def test_a_click_is_described_by_link_labels_and_verdict(names: Names) -> None:
    assert sentence(click(), names) == 'contact 12 clicked "Puppy food" [Dogs], human'
    assert sentence(click(verdict="machine", reasons=("head",)), Names()) == (
        "contact 12 clicked https://shop.example/dogs [Dogs], machine: head"
    )


def test_label_changes_are_described_with_their_reason(names: Names) -> None:
    got = LabelAssigned(**ABOUT, label_id=DOGS, label_name="Dogs", origin=CLICKED)
    lost = LabelRemoved(**ABOUT, label_id=DOGS, label_name="Dogs", origin=Origin(kind="self"))

    assert sentence(got, names) == 'contact 12 got Dogs: clicked "Puppy food" in "Spring"'
    assert sentence(lost, names) == "contact 12 lost Dogs: by the contact"


def test_the_name_of_a_contact_is_used_if_it_is_known(names: Names) -> None:
    names.people[7, 12] = "Anna"

    assert sentence(click(), names).startswith("Anna clicked")


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin(kind="workflow", workflow_id=WORKFLOW), 'workflow "Puppies"'),
        (Origin(kind="workflow"), "a workflow"),
        (Origin(kind="import", ref="crm.csv"), "imported crm.csv"),
        (Origin(kind="manual", key_id=LINK), "manually"),
        (Origin(kind="label_deleted"), "label_deleted"),
    ],
)
def test_origins_are_described_in_words(origin: Origin, text: str, names: Names) -> None:
    assert why(origin, names) == text


def test_other_events_are_described(names: Names) -> None:
    engaged = ContactEngaged(**ABOUT, kind="form.submitted", ref="contest", attributes={})
    entered = SegmentEntered(**ABOUT, segment_id=DOGS, segment_name="Dog lovers", reason="event")
    set_field = SetField(**ABOUT, field_key="city", value="Gent", origin=Origin(kind="workflow"))
    erased = ContactChanged(
        **ABOUT,
        external_id=None,
        email=None,
        fields={},
        state="erased",
        subscription="unsubscribed",
        tracking_consent="unknown",
    )

    assert sentence(engaged, names) == "contact 12 form.submitted contest"
    assert sentence(entered, names) == 'contact 12 entered segment "Dog lovers" (event)'
    assert sentence(set_field, names) == "contact 12 is to have city = Gent: a workflow"
    assert sentence(erased, names) == "contact 12 was erased"
    assert sentence(Tombstone("7:12"), names) == "contact 12 was erased"


def test_every_contact_event_has_a_phrase() -> None:
    described = {model for model in EVENTS.carried() if model.topic in CONTACT_TOPICS}
    assert described == set(feed._PHRASES)
