"""The facts of one contact: one row, folded from events, in a form that is fast to read and write."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from uuid import UUID

import orjson

from services.workflow.domain.matching import counts
from shared.criteria import LabelClicks, attributes_of, refuses, taken_over_by
from shared.criteria.grammar import Attribute, Clicked, Engaged
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved, Scalar
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.events.tracking import ContactClicked


class StoredFacts:
    """One contact's facts. The JSON has short names, because a row is read and written with each event:

    `k` known, `s` subscription, `f` fields, `l` labels held {label: day}, `c` human clicks [[day, link, message, url,
    send, [labels], number]], `e` engagements [[day, kind, ref, message, send, number]], `m` memberships {segment:
    [event that entered it, its day]}, `i` contact id, `a` attributes, `d` day of creation, `r` refused labels. Days are
    ordinals of the account's days, UUIDs 32 hexadecimal digits.
    """

    __slots__ = ("raw",)

    def __init__(self, stored: bytes | None = None, contact_id: int = 0) -> None:
        self.raw: dict[str, Any] = _load(stored) if stored else {}
        if contact_id:
            self.raw["i"] = contact_id

    def stored(self) -> bytes | None:
        """Return the row to store; None if there are no facts."""
        return _dump(self.raw) if self.raw.keys() - {"i"} else None

    @property
    def segments(self) -> list[UUID]:
        """The segments that the contact is in, according to published events."""
        return [UUID(segment) for segment in self.raw.get("m", ())]

    def entered_by(self, segment: UUID) -> UUID | None:
        """Return the event by which the contact entered the segment; None if it is not a member."""
        entered = self.raw.get("m", {}).get(segment.hex)
        return None if entered is None else UUID(entered[0])

    @property
    def subscription(self) -> str | None:
        """The contact's subscription; None if unknown."""
        subscription: str | None = self.raw.get("s")
        return subscription

    def apply(self, event: ContactEvent, zone: tzinfo) -> None:
        """Add an event; `zone` is the account's. The facts of an erased or merged contact are removed."""
        fold = _FOLDS.get(type(event))
        if fold is not None:
            fold(self, event, zone)
            self.raw["i"] = event.contact_id

    def forget(self) -> None:
        """Remove all facts of an erased contact."""
        self.raw.clear()

    def fold_clicked(self, event: ContactClicked, zone: tzinfo) -> None:
        if not counts(event):
            return
        send = event.send.id if event.send else None
        labels = [label.id.hex for label in event.labels]
        alike = [_day(event.occurred_at, zone), event.link_id.hex, event.message_id.hex, event.url, send, labels]
        _count(self.raw.setdefault("c", []), alike)

    def fold_engaged(self, event: ContactEngaged, zone: tzinfo) -> None:
        if not counts(event):
            return
        send = event.send.id if event.send else None
        message = event.message_id.hex if event.message_id else None
        alike = [_day(event.occurred_at, zone), event.kind, event.ref, message, send]
        _count(self.raw.setdefault("e", []), alike)

    def fold_assigned(self, event: LabelAssigned, zone: tzinfo) -> None:
        if "r" in self.raw:
            given_back = {label.hex for label in event.not_refused}
            self.raw["r"] = [label for label in self.raw["r"] if label not in given_back]
            if not self.raw["r"]:
                del self.raw["r"]
        self.raw.setdefault("l", {}).setdefault(event.label_id.hex, _day(event.occurred_at, zone))

    def fold_removed(self, event: LabelRemoved, _: tzinfo) -> None:
        held, into = self.raw.get("l", {}), taken_over_by(event)
        if into is not None and event.label_id.hex in held and into.hex in held:
            # The label was merged into one that is held too, which is now held since the earlier day.
            held[into.hex] = min(held[into.hex], held[event.label_id.hex])
        self._forget("l", event.label_id)
        if refuses(event):
            refused = self.raw.setdefault("r", [])
            if event.label_id.hex not in refused:
                refused.append(event.label_id.hex)

    def fold_entered(self, event: SegmentEntered, zone: tzinfo) -> None:
        entered = [event.event_id.hex, _day(event.occurred_at, zone)]
        self.raw.setdefault("m", {}).setdefault(event.segment_id.hex, entered)

    def fold_left(self, event: SegmentLeft, _: tzinfo) -> None:
        self._forget("m", event.segment_id)

    def _forget(self, kind: str, one: UUID) -> None:
        held = self.raw.get(kind)
        if held is not None:
            held.pop(one.hex, None)
            if not held:
                del self.raw[kind]

    def fold_changed(self, event: ContactChanged, zone: tzinfo) -> None:
        if event.state != "active":
            self.forget()
            return
        self.raw["k"] = 1
        self.raw["a"] = attributes_of(event)
        if event.created_at is not None or "d" not in self.raw:
            self.raw["d"] = _day(event.created_at or event.occurred_at, zone)
        self.raw["s"] = event.subscription
        self.raw["f"] = event.fields

    # Implements `shared.criteria.Facts`.

    @property
    def known(self) -> bool:
        """Whether the contact is an active one of the account."""
        return "k" in self.raw

    @property
    def contact_id(self) -> int:
        """The contact's id in the account; 0 for an unknown contact."""
        contact_id: int = self.raw.get("i", 0)
        return contact_id

    @property
    def created(self) -> date | None:
        """The day on which the contact was created."""
        day = self.raw.get("d")
        return None if day is None else date.fromordinal(day)

    def refused(self, label: UUID) -> bool:
        """Return whether the contact removed the label itself, and it was not assigned again since."""
        refused = self.raw.get("r")
        return refused is not None and label.hex in refused

    def attribute(self, name: Attribute) -> str | None:
        """Return a built-in attribute of the contact; None if it is empty."""
        value: str | None = self.raw.get("a", {}).get(name)
        return value

    def label_clicks(
        self, labels: tuple[UUID, ...] | None, first: date | None, last: date | None
    ) -> dict[UUID, LabelClicks]:
        """Return the clicks on each of these labels (None: any) that has clicks."""
        low, high = _bounds(first, last)
        wanted = None if labels is None else {label.hex for label in labels}
        found: dict[str, tuple[int, int]] = {}
        for one in self.raw.get("c", ()):
            if low <= one[0] <= high:
                for label in one[5]:
                    if wanted is None or label in wanted:
                        number, latest = found.get(label, (0, 0))
                        found[label] = (number + one[-1], max(latest, one[0]))
        return {UUID(label): LabelClicks(number, date.fromordinal(day)) for label, (number, day) in found.items()}

    def label_since(self, label: UUID) -> date | None:
        """Return the day since which the label is held; None if it is not held."""
        day = self.raw.get("l", {}).get(label.hex)
        return None if day is None else date.fromordinal(day)

    def clicks(self, asked: Clicked, first: date | None, last: date | None) -> int:
        """Return how many human clicks the node's selector matches."""
        stored = self.raw.get("c")
        if not stored:
            return 0
        low, high = _bounds(first, last)
        target = asked.target.hex if isinstance(asked.target, UUID) else asked.target
        if asked.selector is None:
            return sum(one[-1] for one in stored if low <= one[0] <= high)
        if asked.selector == "label":
            return sum(one[-1] for one in stored if target in one[5] and low <= one[0] <= high)
        if asked.selector == "url_starts_with":
            return sum(one[-1] for one in stored if one[3].startswith(target) and low <= one[0] <= high)
        place = _PLACES[asked.selector]
        return sum(one[-1] for one in stored if one[place] == target and low <= one[0] <= high)

    def engagements(self, asked: Engaged, first: date | None, last: date | None) -> int:
        """Return how many engagements the node matches."""
        stored = self.raw.get("e")
        if not stored:
            return 0
        low, high = _bounds(first, last)
        message = asked.message.hex if asked.message else None
        return sum(
            one[-1]
            for one in stored
            if one[1] == asked.kind
            and low <= one[0] <= high
            and asked.ref in (None, one[2])
            and message in (None, one[3])
            and asked.send in (None, one[4])
        )

    def value(self, key: str) -> Scalar | None:
        """Return the field's value; None if it has none."""
        value: Scalar | None = self.raw.get("f", {}).get(key)
        return value


# Dispatch on the exact type: isinstance on a pydantic model takes as long as folding it.
_FOLDS: dict[type[ContactEvent], Callable[[StoredFacts, Any, tzinfo], None]] = {
    ContactClicked: StoredFacts.fold_clicked,
    ContactEngaged: StoredFacts.fold_engaged,
    LabelAssigned: StoredFacts.fold_assigned,
    LabelRemoved: StoredFacts.fold_removed,
    SegmentEntered: StoredFacts.fold_entered,
    SegmentLeft: StoredFacts.fold_left,
    ContactChanged: StoredFacts.fold_changed,
}

# The index in a click's list of the value for each selector.
_PLACES = {"link": 1, "message": 2, "url": 3, "send": 4}


def _bounds(first: date | None, last: date | None) -> tuple[int, int]:
    return (0 if first is None else first.toordinal()), (date.max if last is None else last).toordinal()


def _dump(raw: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(raw)
    except TypeError:
        # A number field accepts any JSON number, but orjson at most 64 bits; a space marks rows that json wrote.
        return b" " + json.dumps(raw).encode()


def _load(stored: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(stored) if stored.startswith(b" ") else orjson.loads(stored)
    return loaded


def _day(moment: datetime, zone: tzinfo) -> int:
    return (moment if zone is UTC else moment.astimezone(zone)).toordinal()


def _count(stored: list[list[Any]], alike: list[Any]) -> None:
    """Increase the count of an equal entry; entries of a day are adjacent, so only the last few are compared."""
    for one in stored[-8:]:
        if one[:-1] == alike:
            one[-1] += 1
            return
    stored.append([*alike, 1])
