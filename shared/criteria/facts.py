"""What is known of one contact, as far as criteria can ask; and how events add to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Protocol
from uuid import UUID

from shared.criteria.comparing import day_of
from shared.criteria.grammar import Clicked, Engaged
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved, Scalar
from shared.events.tracking import ContactClicked


@dataclass(frozen=True, slots=True)
class ClickFact:
    """Human clicks of one day that are alike in all that criteria can ask."""

    day: date
    labels: frozenset[UUID]
    message: UUID
    link: UUID
    url: str
    send: str | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class EngagementFact:
    """Engagements of one day that are alike in all that criteria can ask."""

    day: date
    kind: str
    ref: str | None = None
    message: UUID | None = None
    send: str | None = None
    number: int = 1


class Facts(Protocol):
    """What the evaluation asks about one contact; days are inclusive, None is without end."""

    @property
    def known(self) -> bool:
        """Whether the contact is an active one of the account."""

    def label_since(self, label: UUID) -> date | None:
        """The day on which the present holding of the label began; None if it is not held."""

    def clicks(self, asked: Clicked, first: date | None, last: date | None) -> int:
        """How many human clicks the node's selector matches."""

    def engagements(self, asked: Engaged, first: date | None, last: date | None) -> int:
        """How many engagements the node matches."""

    def value(self, key: str) -> Scalar | None:
        """The field's value; None if it has none."""


@dataclass(slots=True)
class ContactFacts:
    """Facts that are held as they are and looked through one by one: the plain meaning of a criterion."""

    known: bool = True
    labels: Mapping[UUID, date] = field(default_factory=dict)
    clicked: Iterable[ClickFact] = ()
    engaged: Iterable[EngagementFact] = ()
    fields: Mapping[str, Scalar] = field(default_factory=dict)

    def label_since(self, label: UUID) -> date | None:
        return self.labels.get(label)

    def clicks(self, asked: Clicked, first: date | None, last: date | None) -> int:
        return sum(click.number for click in self.clicked if inside(click.day, first, last) and selects(asked, click))

    def engagements(self, asked: Engaged, first: date | None, last: date | None) -> int:
        return sum(
            engagement.number
            for engagement in self.engaged
            if inside(engagement.day, first, last) and matches(asked, engagement)
        )

    def value(self, key: str) -> Scalar | None:
        return self.fields.get(key)


def inside(day: date, first: date | None, last: date | None) -> bool:
    """Whether the day is between the two, both included; None is without end."""
    return (first is None or first <= day) and (last is None or day <= last)


def selects(asked: Clicked, click: ClickFact) -> bool:
    """Whether a click is one of those that the node counts, its period apart."""
    target = asked.target
    match asked.selector:
        case None:
            return True
        case "label":
            return target in click.labels
        case "message":
            return target == click.message
        case "link":
            return target == click.link
        case "send":
            return target == click.send
        case "url":
            return target == click.url
        case "url_starts_with":
            return click.url.startswith(str(target))


def matches(asked: Engaged, engagement: EngagementFact) -> bool:
    """Whether an engagement is one of those that the node counts, its period apart."""
    return (
        asked.kind == engagement.kind
        and asked.ref in (None, engagement.ref)
        and asked.message in (None, engagement.message)
        and asked.send in (None, engagement.send)
    )


def click_fact(event: ContactClicked, zone: tzinfo) -> ClickFact | None:
    """What a click adds to the facts; None if it is not counted."""
    if event.verdict != "human" or (event.send is not None and event.send.kind == "test"):
        return None
    return ClickFact(
        day=day_of(event.occurred_at, zone),
        labels=frozenset(label.id for label in event.labels),
        message=event.message_id,
        link=event.link_id,
        url=event.url,
        send=event.send.id if event.send else None,
    )


def engagement_fact(event: ContactEngaged, zone: tzinfo) -> EngagementFact | None:
    """What an engagement adds to the facts; None if it is not counted."""
    if event.send is not None and event.send.kind == "test":
        return None
    return EngagementFact(
        day=day_of(event.occurred_at, zone),
        kind=event.kind,
        ref=event.ref,
        message=event.message_id,
        send=event.send.id if event.send else None,
    )


class History:
    """One contact's facts, built event by event: the fold that others must agree with."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.known = False
        self.labels: dict[UUID, date] = {}
        self.clicked: list[ClickFact] = []
        self.engaged: list[EngagementFact] = []
        self.fields: dict[str, Scalar] = {}

    def apply(self, event: ContactEvent) -> None:
        """Add an event; those that criteria do not ask about add nothing."""
        match event:
            case ContactClicked():
                click = click_fact(event, self.zone)
                self.clicked += [click] if click else []
            case ContactEngaged():
                engagement = engagement_fact(event, self.zone)
                self.engaged += [engagement] if engagement else []
            case LabelAssigned():
                self.labels.setdefault(event.label_id, day_of(event.occurred_at, self.zone))
            case LabelRemoved():
                self.labels.pop(event.label_id, None)
            case ContactChanged():
                self.known = event.state == "active"
                self.fields = dict(event.fields) if self.known else {}
            case _:
                pass

    def facts(self) -> ContactFacts:
        """The facts as they are now."""
        return ContactFacts(self.known, self.labels, self.clicked, self.engaged, self.fields)
