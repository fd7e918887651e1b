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
        entry = [_day(event.occurred_at, zone), event.link_id.hex, event.message_id.hex, event.url, send, labels]
        _count(self.raw.setdefault("c", []), entry)

    def fold_engaged(self, event: ContactEngaged, zone: tzinfo) -> None:
        if not counts(event):
            return
        send = event.send.id if event.send else None
        message = event.message_id.hex if event.message_id else None
        entry = [_day(event.occurred_at, zone), event.kind, event.ref, message, send]
        _count(self.raw.setdefault("e", []), entry)

    def fold_assigned(self, event: LabelAssigned, zone: tzinfo) -> None:
        if "r" in self.raw:
            accepted = {label.hex for label in event.not_refused}
            self.raw["r"] = [label for label in self.raw["r"] if label not in accepted]
            if not self.raw["r"]:
                del self.raw["r"]
        self.raw.setdefault("l", {}).setdefault(event.label_id.hex, _day(event.occurred_at, zone))

    def fold_removed(self, event: LabelRemoved, _: tzinfo) -> None:
        held, merged_into = self.raw.get("l", {}), taken_over_by(event)
        if merged_into is not None and event.label_id.hex in held and merged_into.hex in held:
            # The label was merged into one that is held too, which counts as held since the earlier day.
            held[merged_into.hex] = min(held[merged_into.hex], held[event.label_id.hex])
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

    def _forget(self, member: str, key: UUID) -> None:
        entries = self.raw.get(member)
        if entries is not None:
            entries.pop(key.hex, None)
            if not entries:
                del self.raw[member]

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
        requested = None if labels is None else {label.hex for label in labels}
        totals: dict[str, tuple[int, int]] = {}
        for click in self.raw.get("c", ()):
            if low <= click[0] <= high:
                for label in click[5]:
                    if requested is None or label in requested:
                        number, latest = totals.get(label, (0, 0))
                        totals[label] = (number + click[-1], max(latest, click[0]))
        return {UUID(label): LabelClicks(number, date.fromordinal(day)) for label, (number, day) in totals.items()}

    def label_since(self, label: UUID) -> date | None:
        """Return the day since which the label is held; None if it is not held."""
        day = self.raw.get("l", {}).get(label.hex)
        return None if day is None else date.fromordinal(day)

    def clicks(self, node: Clicked, first: date | None, last: date | None) -> int:
        """Return how many human clicks the node's selector matches."""
        stored = self.raw.get("c")
        if not stored:
            return 0
        low, high = _bounds(first, last)
        target = node.target.hex if isinstance(node.target, UUID) else node.target
        if node.selector is None:
            return sum(click[-1] for click in stored if low <= click[0] <= high)
        if node.selector == "label":
            return sum(click[-1] for click in stored if target in click[5] and low <= click[0] <= high)
        if node.selector == "url_starts_with":
            return sum(click[-1] for click in stored if click[3].startswith(target) and low <= click[0] <= high)
        index = _INDEXES[node.selector]
        return sum(click[-1] for click in stored if click[index] == target and low <= click[0] <= high)

    def engagements(self, node: Engaged, first: date | None, last: date | None) -> int:
        """Return how many engagements the node matches."""
        stored = self.raw.get("e")
        if not stored:
            return 0
        low, high = _bounds(first, last)
        message = node.message.hex if node.message else None
        return sum(
            engagement[-1]
            for engagement in stored
            if engagement[1] == node.kind
            and low <= engagement[0] <= high
            and node.ref in (None, engagement[2])
            and message in (None, engagement[3])
            and node.send in (None, engagement[4])
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

# The index of each selector's value in the list of a click.
_INDEXES = {"link": 1, "message": 2, "url": 3, "send": 4}


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


def _count(counted: list[list[Any]], entry: list[Any]) -> None:
    """Increase the count of an equal entry; entries of a day are adjacent, so only the last few are compared."""
    for other in counted[-8:]:
        if other[:-1] == entry:
            other[-1] += 1
            return
    counted.append([*entry, 1])
