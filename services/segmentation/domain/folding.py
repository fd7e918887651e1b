"""Folds batches of events into a slice."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, get_args

from pyroaring import BitMap

from services.segmentation.domain.column import Column
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.slice import CLICKED, CONSENT, DENIED, EPOCH, REFUSED, Name, Slice, sum_names_of
from shared.criteria import attributes_of, refuses, taken_over_by
from shared.criteria.comparing import day_of
from shared.criteria.grammar import Attribute
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelRemoved
from shared.events.tracking import ContactClicked

# Since 1980 the offsets of time zones are multiples of a quarter of an hour, so a quarter never spans two days.
_QUARTER = 900
_SINCE_1980 = 315_532_800 // _QUARTER
_MAX_QUARTERS = 100_000


class Days:
    """Computes the account's day (an ordinal) of a moment, and caches it: computing it takes a microsecond."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._cache: dict[float, int] = {}

    def of(self, moment: datetime) -> int:
        """Return the ordinal of the day in which the moment falls."""
        quarter = moment.timestamp() // _QUARTER
        day = self._cache.get(quarter)
        if day is None:
            day = day_of(moment, self.zone).toordinal()
            if len(self._cache) >= _MAX_QUARTERS:
                self._cache.clear()
            if quarter >= _SINCE_1980:
                self._cache[quarter] = day
        return day


@dataclass(slots=True)
class Touched:
    """What a batch has changed: contacts (indexes of the slice), and the names of the facts about them.

    Names are those of tallies, see `services.segmentation.domain.slice`, ("label", id), ("field", key),
    ("attribute", name), ("created",), ("refused",) and ("known",).
    """

    contacts: BitMap = field(default_factory=BitMap)
    names: set[Name] = field(default_factory=set)


def fold(target: Slice, events: Iterable[ContactEvent], days: Days, partitions: int) -> Touched:
    """Fold events of the slice's contacts, in order. The slice must have advanced to the newest of their days."""
    batch = _Batch(target, days)
    method_of = batch.by_type.get
    for event in events:
        method = method_of(type(event))
        if method is not None:
            method(event, event.contact_id // partitions)
    return batch.apply()


def _lists() -> defaultdict[Name, list[int]]:
    return defaultdict(list)


class _Batch:
    """Groups a batch by bitmap, so that each bitmap is changed once."""

    def __init__(self, target: Slice, days: Days) -> None:
        self.target = target
        self.days = days
        self.counted: defaultdict[int, defaultdict[Name, list[int]]] = defaultdict(_lists)
        self.held: dict[int, dict[int, int | None]] = {}
        self.refused: dict[int, dict[int, bool]] = {}
        self.changed: dict[int, ContactChanged] = {}
        self.created: dict[int, int | None] = {}
        self.by_type: dict[type[ContactEvent], Callable[[Any, int], None]] = {
            ContactClicked: self.clicked,
            ContactEngaged: self.engaged,
            LabelAssigned: self.assigned,
            LabelRemoved: self.removed,
            ContactChanged: self.contact_changed,
        }

    def removed(self, event: LabelRemoved, contact: int) -> None:
        label = event.label_id.int
        self.take_over(event, contact)
        self.held.setdefault(label, {})[contact] = None
        if refuses(event):
            self.refused.setdefault(label, {})[contact] = True

    def take_over(self, event: LabelRemoved, contact: int) -> None:
        """Keep the earlier day when a label is removed because it was merged into a label that is held too."""
        into = taken_over_by(event)
        if into is not None:
            old, current = self.since(event.label_id.int, contact), self.since(into.int, contact)
            if old is not None and current is not None and old < current:
                self.held.setdefault(into.int, {})[contact] = old

    def since(self, label: int, contact: int) -> int | None:
        pending = self.held.get(label, {})
        if contact in pending:
            return pending[contact]
        index = self.target.labels.get(label)
        return None if index is None else index.get(contact)

    def contact_changed(self, event: ContactChanged, contact: int) -> None:
        self.changed[contact] = event
        if event.state != "active":
            self.created[contact] = None
        elif event.created_at is not None or self.created_of(contact) is None:
            self.created[contact] = self.days.of(event.created_at or event.occurred_at)

    def created_of(self, contact: int) -> int | None:
        return self.created[contact] if contact in self.created else self.target.created.get(contact)

    def clicked(self, event: ContactClicked, contact: int) -> None:
        send = event.send
        if send is not None and send.kind == "test":
            return
        counted = self.counted[self.days.of(event.occurred_at)]
        if event.verdict == "machine" and send is not None:
            counted["machine.send", send.id].append(contact)
        if event.verdict != "human":
            return
        counted[CLICKED].append(contact)
        counted["click.target", event.message_id.int, event.link_id.int, event.url].append(contact)
        if send is not None:
            counted["click.send", send.id].append(contact)
        labels = event.labels
        if len(labels) == 1:
            counted["click.label", labels[0].id.int].append(contact)
        else:
            carried = {label.id.int for label in labels}
            for label in carried:
                counted["click.label", label].append(contact)
            if len(carried) > 1:
                counted["click.labels", *sorted(carried)].append(contact)

    def engaged(self, event: ContactEngaged, contact: int) -> None:
        send, message, kind = event.send, event.message_id, event.kind
        if send is not None and send.kind == "test":
            return
        counted = self.counted[self.days.of(event.occurred_at)]
        counted["engaged", kind].append(contact)
        if message is not None:
            counted["engaged.message", kind, message.int].append(contact)
        if send is not None or event.ref is not None:
            name = (
                "engaged.whole",
                kind,
                event.ref,
                message.int if message is not None else None,
                send.id if send is not None else None,
            )
            counted[name].append(contact)

    def assigned(self, event: LabelAssigned, contact: int) -> None:
        label = event.label_id.int
        self.give_back(label, contact)
        for other in event.given_back or ():
            self.give_back(other.int, contact)
        pending = self.held.setdefault(label, {})
        if contact in pending:
            is_held = pending[contact] is not None
        else:
            index = self.target.labels.get(label)
            is_held = index is not None and contact in index.present
        if not is_held:
            pending[contact] = self.days.of(event.occurred_at) - EPOCH

    def give_back(self, label: int, contact: int) -> None:
        """Record that the contact does not refuse the label, whether or not it did before."""
        if label in self.refused or label in self.target.refused:
            self.refused.setdefault(label, {})[contact] = False

    def apply(self) -> Touched:
        touched = Touched()
        changed_contacts: set[int] = set()
        for day, name, contacts in ((day, *one) for day, counted in self.counted.items() for one in counted.items()):
            self.target.count(name, day, contacts)
            touched.names.add(name)
            touched.names.update(sum_names_of(name))
            if name[0] in ("click", "engaged"):
                changed_contacts.update(contacts)
        for label, pending in self.held.items():
            self.hold(label, pending)
            touched.names.add(("label", label))
            self.target.changed.add(("label", label))
            changed_contacts.update(pending)
        for label, changes in self.refused.items():
            if self.refuse(label, changes):
                touched.names.add(REFUSED)
                self.target.changed.add(("refused", label))
        if self.changed:
            self.change(touched)
            changed_contacts.update(self.changed)
        touched.contacts = BitMap(list(changed_contacts))
        return touched

    def hold(self, label: int, pending: dict[int, int | None]) -> None:
        index = self.target.labels.get(label)
        if index is None:
            index = self.target.labels[label] = Ordered()
        removed = [contact for contact, since in pending.items() if since is None]
        if removed:
            index.remove(BitMap(removed))
        # Days of labels are stored as days since 1970-01-01; earlier days are stored as that day.
        index.put({contact: max(since, 0) for contact, since in pending.items() if since is not None})

    def refuse(self, label: int, changes: dict[int, bool]) -> bool:
        """Set whether contacts refuse the label; return whether that changed for any of them."""
        before = self.target.refused.get(label, BitMap())
        after = before - BitMap(list(changes)) | BitMap(
            [contact for contact, is_refused in changes.items() if is_refused]
        )
        self.target.refused[label] = after
        return before != after

    def change(self, touched: Touched) -> None:
        target = self.target
        self.put_created(touched)
        self.put_attributes(touched)
        active = [contact for contact, event in self.changed.items() if event.state == "active"]
        before = target.known
        target.known = (before - BitMap(list(self.changed))) | BitMap(active)
        if before != target.known:
            touched.names.add(("known",))
            target.changed.add(("known",))
        self.put_fields(touched)

    def put_created(self, touched: Touched) -> None:
        before = self.target.created.present.copy()
        self.target.created.remove(BitMap([contact for contact, day in self.created.items() if day is None]))
        days = {contact: day for contact, day in self.created.items() if day is not None}
        self.target.created.put(days)
        if days or before != self.target.created.present:
            touched.names.add(("created",))
            self.target.changed.add(("created",))

    def put_attributes(self, touched: Touched) -> None:
        values = {
            contact: attributes_of(event) if event.state == "active" else {} for contact, event in self.changed.items()
        }
        for name in get_args(Attribute):
            self.put_attribute(touched, name, {contact: attributes.get(name) for contact, attributes in values.items()})
        denied = {contact: _denial(event) for contact, event in self.changed.items()}
        self.put_attribute(touched, CONSENT, denied)

    def put_attribute(self, touched: Touched, name: str, values: Mapping[int, str | None]) -> None:
        column = self.target.attributes.get(name)
        if column is None and any(value is not None for value in values.values()):
            column = self.target.attributes[name] = Column()
        if column is not None:
            column.put(values)
            touched.names.add(("attribute", name))
            self.target.changed.add(("attribute", name))

    def put_fields(self, touched: Touched) -> None:
        target = self.target
        keys = {key for event in self.changed.values() for key in event.fields}
        for key in keys:
            target.columns.setdefault(key, Column())
        for key, column in target.columns.items():
            column.put(
                {
                    contact: event.fields.get(key) if event.state == "active" else None
                    for contact, event in self.changed.items()
                }
            )
            touched.names.add(("field", key))
            target.changed.add(("field", key))


def _denial(event: ContactChanged) -> str | None:
    return DENIED if event.state == "active" and event.tracking_consent == DENIED else None
