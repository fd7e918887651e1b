"""The facts of one contact that criteria use, and how events change them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.criteria.comparing import day_of
from shared.criteria.grammar import Attribute, Clicked, Engaged
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved, Scalar
from shared.events.tracking import ContactClicked


@dataclass(frozen=True, slots=True)
class ClickFact:
    """The number of human clicks of one day that no criterion can tell apart."""

    day: date
    labels: frozenset[UUID]
    message: UUID
    link: UUID
    url: str
    send: str | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class EngagementFact:
    """The number of engagements of one day that no criterion can tell apart."""

    day: date
    kind: str
    ref: str | None = None
    message: UUID | None = None
    send: str | None = None
    number: int = 1


class LabelClicks(NamedTuple):
    """The number of human clicks of a contact on a label, at least one, and the day of the last one."""

    number: int
    last: date


class Facts(Protocol):
    """What the evaluation reads about one contact. Days are inclusive; None means unbounded."""

    @property
    def contact_id(self) -> int:
        """The contact's id in the account."""

    @property
    def known(self) -> bool:
        """Whether the contact is an active contact of the account."""

    @property
    def created(self) -> date | None:
        """The day on which the contact was created; None if that is not known."""

    def label_since(self, label: UUID) -> date | None:
        """Return the day since which the label is held; None if it is not held."""

    def refused(self, label: UUID) -> bool:
        """Return whether the contact removed the label itself, and it was not assigned again since."""

    def clicks(self, node: Clicked, first: date | None, last: date | None) -> int:
        """Return how many human clicks the node's selector matches, including those on refused labels."""

    def label_clicks(
        self, labels: tuple[UUID, ...] | None, first: date | None, last: date | None
    ) -> Mapping[UUID, LabelClicks]:
        """Return the clicks on each of these labels (None: any) that has clicks, including refused labels."""

    def engagements(self, node: Engaged, first: date | None, last: date | None) -> int:
        """Return how many engagements the node matches."""

    def value(self, key: str) -> Scalar | None:
        """Return the field's value; None if it has none."""

    def attribute(self, name: Attribute) -> str | None:
        """Return a built-in attribute of the contact; None if it is empty."""


def email_domain(email: str | None) -> str | None:
    """Return the part of an address after the last `@`."""
    return email.rpartition("@")[2] if email is not None and "@" in email else None


def attributes_of(event: ContactChanged) -> dict[Attribute, str]:
    """Return the attributes of a contact that have a value."""
    attributes: dict[Attribute, str | None] = {
        "email_domain": email_domain(event.email),
        "language": event.language,
        "source": event.source,
        "subscription": event.subscription,
    }
    return {name: value for name, value in attributes.items() if value is not None}


@dataclass(slots=True)
class ContactFacts:
    """Facts in plain collections, which are scanned: the reference implementation."""

    known: bool = True
    contact_id: int = 0
    created: date | None = None
    refusals: frozenset[UUID] = frozenset()
    attributes: Mapping[Attribute, str] = field(default_factory=dict)
    labels: Mapping[UUID, date] = field(default_factory=dict)
    clicked: Iterable[ClickFact] = ()
    engaged: Iterable[EngagementFact] = ()
    fields: Mapping[str, Scalar] = field(default_factory=dict)

    def label_since(self, label: UUID) -> date | None:
        return self.labels.get(label)

    def clicks(self, node: Clicked, first: date | None, last: date | None) -> int:
        return sum(click.number for click in self.clicked if inside(click.day, first, last) and selects(node, click))

    def refused(self, label: UUID) -> bool:
        return label in self.refusals

    def attribute(self, name: Attribute) -> str | None:
        return self.attributes.get(name)

    def label_clicks(
        self, labels: tuple[UUID, ...] | None, first: date | None, last: date | None
    ) -> Mapping[UUID, LabelClicks]:
        clicks: dict[UUID, LabelClicks] = {}
        for click in self.clicked:
            if inside(click.day, first, last):
                for label in click.labels if labels is None else click.labels.intersection(labels):
                    number, latest = clicks.get(label, (0, click.day))
                    clicks[label] = LabelClicks(number + click.number, max(latest, click.day))
        return clicks

    def engagements(self, node: Engaged, first: date | None, last: date | None) -> int:
        return sum(
            engagement.number
            for engagement in self.engaged
            if inside(engagement.day, first, last) and matches(node, engagement)
        )

    def value(self, key: str) -> Scalar | None:
        return self.fields.get(key)


def inside(day: date, first: date | None, last: date | None) -> bool:
    """Return whether the day is between the two, inclusive; None means unbounded."""
    return (first is None or first <= day) and (last is None or day <= last)


def selects(node: Clicked, click: ClickFact) -> bool:
    """Return whether the node counts the click, ignoring its period."""
    target = node.target
    match node.selector:
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


def matches(node: Engaged, engagement: EngagementFact) -> bool:
    """Return whether the node counts the engagement, ignoring its period."""
    return (
        node.kind == engagement.kind
        and node.ref in (None, engagement.ref)
        and node.message in (None, engagement.message)
        and node.send in (None, engagement.send)
    )


def click_fact(event: ContactClicked, zone: tzinfo) -> ClickFact | None:
    """Return the fact that a click adds; None if the click is not counted."""
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
    """Return the fact that an engagement adds; None if the engagement is not counted."""
    if event.send is not None and event.send.kind == "test":
        return None
    return EngagementFact(
        day=day_of(event.occurred_at, zone),
        kind=event.kind,
        ref=event.ref,
        message=event.message_id,
        send=event.send.id if event.send else None,
    )


def refuses(event: LabelRemoved) -> bool:
    """Return whether the contact itself removed the label."""
    return event.origin.kind == "self"


def taken_over_by(event: LabelRemoved) -> UUID | None:
    """Return the label into which the removed one was merged; None if it was removed for another reason."""
    return event.origin.label_id if event.origin.kind == "label_merged" else None


class History:
    """One contact's facts, built event by event: the reference for other implementations."""

    def __init__(self, zone: tzinfo, contact_id: int = 0) -> None:
        self.zone = zone
        self.known = False
        self.contact_id = contact_id
        self.created: date | None = None
        self.refusals: set[UUID] = set()
        self.attributes: dict[Attribute, str] = {}
        self.labels: dict[UUID, date] = {}
        self.clicked: list[ClickFact] = []
        self.engaged: list[EngagementFact] = []
        self.fields: dict[str, Scalar] = {}

    def apply(self, event: ContactEvent) -> None:
        """Add an event; events that no criterion uses add nothing."""
        self.contact_id = event.contact_id
        match event:
            case ContactClicked():
                click = click_fact(event, self.zone)
                self.clicked += [click] if click else []
            case ContactEngaged():
                engagement = engagement_fact(event, self.zone)
                self.engaged += [engagement] if engagement else []
            case LabelAssigned():
                self.refusals.difference_update(event.not_refused)
                self.labels.setdefault(event.label_id, day_of(event.occurred_at, self.zone))
            case LabelRemoved():
                held_since, merged_into = self.labels.pop(event.label_id, None), taken_over_by(event)
                if held_since is not None and merged_into is not None and merged_into in self.labels:
                    self.labels[merged_into] = min(held_since, self.labels[merged_into])
                if refuses(event):
                    self.refusals.add(event.label_id)
            case ContactChanged():
                self._change(event)
            case _:
                pass

    def _change(self, event: ContactChanged) -> None:
        self.known = event.state == "active"
        self.fields = dict(event.fields) if self.known else {}
        self.attributes = attributes_of(event) if self.known else {}
        if not self.known:
            self.created = None
        elif event.created_at is not None or self.created is None:
            self.created = day_of(event.created_at or event.occurred_at, self.zone)

    def facts(self) -> ContactFacts:
        """Return the facts as they are now."""
        return ContactFacts(
            known=self.known,
            contact_id=self.contact_id,
            created=self.created,
            refusals=frozenset(self.refusals),
            attributes=self.attributes,
            labels=self.labels,
            clicked=self.clicked,
            engaged=self.engaged,
            fields=self.fields,
        )
