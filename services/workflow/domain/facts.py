"""What is known of one contact: one row, folded from events, in a form that is quick to read and write."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any
from uuid import UUID

import orjson

from services.workflow.domain.matching import counts
from shared.criteria import ClickFact, ContactFacts, EngagementFact
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.events.tracking import ContactClicked

# Nobody may send to a contact in one of these.
UNWILLING = frozenset({"unsubscribed", "bounced", "blocked"})


class StoredFacts:
    """One contact's facts. The JSON has short names, for a row is read and written with each event:

    `k` known, `s` subscription, `f` fields, `l` labels held {label: day}, `c` human clicks [[day, link, message, url,
    send, [labels], number]], `e` engagements [[day, kind, ref, message, send, number]], `m` memberships {segment:
    [event that entered it, its day]}. Days are ordinals of the account's days, UUIDs 32 hexadecimal digits.
    """

    __slots__ = ("_view", "raw")

    def __init__(self, stored: bytes | None = None) -> None:
        self.raw: dict[str, Any] = orjson.loads(stored) if stored else {}
        self._view: ContactFacts | None = None

    def stored(self) -> bytes | None:
        """What to store; None if nothing is known."""
        return orjson.dumps(self.raw) if self.raw else None

    @property
    def segments(self) -> list[UUID]:
        """The segments that the contact is in, as far as it was announced."""
        return [UUID(segment) for segment in self.raw.get("m", ())]

    def entered_by(self, segment: UUID) -> UUID | None:
        """The event by which the contact entered the segment that it is in; None if it is not."""
        entered = self.raw.get("m", {}).get(segment.hex)
        return None if entered is None else UUID(entered[0])

    @property
    def subscription(self) -> str | None:
        """The contact's subscription; None if nothing is known of it."""
        subscription: str | None = self.raw.get("s")
        return subscription

    def apply(self, event: ContactEvent, zone: tzinfo) -> None:
        """Adds an event; `zone` is the account's. A contact that is erased or merged away leaves nothing."""
        self._view = None
        match event:
            case ContactClicked():
                if counts(event):
                    self._clicked(event, zone)
            case ContactEngaged():
                if counts(event):
                    self._engaged(event, zone)
            case LabelAssigned():
                self.raw.setdefault("l", {}).setdefault(event.label_id.hex, _day(event.occurred_at, zone))
            case LabelRemoved():
                self._forget("l", event.label_id)
            case SegmentEntered():
                entered = [event.event_id.hex, _day(event.occurred_at, zone)]
                self.raw.setdefault("m", {}).setdefault(event.segment_id.hex, entered)
            case SegmentLeft():
                self._forget("m", event.segment_id)
            case ContactChanged():
                self._changed(event)

    def forget(self) -> None:
        """The contact is gone, and so is what was known of it."""
        self.raw.clear()
        self._view = None

    def _clicked(self, event: ContactClicked, zone: tzinfo) -> None:
        send = event.send.id if event.send else None
        labels = [label.id.hex for label in event.labels]
        alike = [_day(event.occurred_at, zone), event.link_id.hex, event.message_id.hex, event.url, send, labels]
        _count(self.raw.setdefault("c", []), alike)

    def _engaged(self, event: ContactEngaged, zone: tzinfo) -> None:
        send = event.send.id if event.send else None
        message = event.message_id.hex if event.message_id else None
        alike = [_day(event.occurred_at, zone), event.kind, event.ref, message, send]
        _count(self.raw.setdefault("e", []), alike)

    def _forget(self, kind: str, one: UUID) -> None:
        held = self.raw.get(kind)
        if held is not None:
            held.pop(one.hex, None)
            if not held:
                del self.raw[kind]

    def _changed(self, event: ContactChanged) -> None:
        if event.state != "active":
            self.forget()
            return
        self.raw["k"] = 1
        self.raw["s"] = event.subscription
        self.raw["f"] = event.fields

    def view(self) -> ContactFacts:
        """As criteria ask for it."""
        if self._view is None:
            raw = self.raw
            self._view = ContactFacts(
                known=bool(raw.get("k")),
                labels={UUID(label): date.fromordinal(day) for label, day in raw.get("l", {}).items()},
                clicked=[_click_fact(*stored) for stored in raw.get("c", ())],
                engaged=[_engagement_fact(*stored) for stored in raw.get("e", ())],
                fields=raw.get("f", {}),
            )
        return self._view


def _day(moment: datetime, zone: tzinfo) -> int:
    return (moment if zone is UTC else moment.astimezone(zone)).toordinal()


def _count(stored: list[list[Any]], alike: list[Any]) -> None:
    """Counts one more of what is alike; events of a day stand together, so only the last few are looked at."""
    for one in stored[-8:]:
        if one[:-1] == alike:
            one[-1] += 1
            return
    stored.append([*alike, 1])


def _click_fact(
    day: int, link: str, message: str, url: str, send: str | None, labels: list[str], number: int
) -> ClickFact:
    carried = frozenset(UUID(label) for label in labels)
    return ClickFact(date.fromordinal(day), carried, UUID(message), UUID(link), url, send, number)


def _engagement_fact(
    day: int, kind: str, ref: str | None, message: str | None, send: str | None, number: int
) -> EngagementFact:
    return EngagementFact(date.fromordinal(day), kind, ref, UUID(message) if message else None, send, number)
