"""One account's slice and its announced members: the moves that a batch, a day or a definition causes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from typing import NamedTuple
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.definitions import Definition, Definitions
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.folding import Days, Touched, fold
from services.segmentation.domain.slice import Slice
from shared.events.envelope import ContactEvent
from shared.events.segmentation import Reason


class Move(NamedTuple):
    """A contact (an index of the slice) enters or leaves a segment."""

    segment_id: UUID
    contact: int
    enters: bool
    reason: Reason


@dataclass(slots=True)
class Membership:
    """One segment in one slice.

    `announced`: the members according to the published events. `pending`: contacts that may still have to be announced,
    by reason; `AccountSlice.drain` evaluates them, and until then events about them announce nothing. `adopted` is
    the fingerprint of the definition that was evaluated. `broken`: the segment decides nothing, and pending contacts
    stay pending. `written` and `saved`: whether the database has the whole state, and the members.
    """

    announced: BitMap = field(default_factory=BitMap)
    pending: dict[Reason, BitMap] = field(default_factory=dict)
    adopted: bytes = b""
    broken: bool = False
    written: bool = False
    saved: bool = True

    def all_pending(self) -> BitMap:
        """Return the pending contacts of all reasons."""
        return BitMap.union(*self.pending.values()) if self.pending else BitMap()

    @property
    def is_over(self) -> bool:
        """Whether the segment is deleted and the exits of all its members were announced."""
        return not self.adopted and not self.pending and not self.announced

    def postpone(self, contacts: BitMap, reason: Reason) -> None:
        """Make contacts pending for a reason, except those that are pending already."""
        added = contacts - self.all_pending()
        if added:
            self.pending[reason] = self.pending.get(reason, BitMap()) | added
            self.written = False


@dataclass(frozen=True, slots=True)
class EndedDay:
    """The number of members of each segment in the slice at the end of a day."""

    day: date
    members: Mapping[UUID, int]


class AccountSlice:
    """The image of an account's contacts in one partition number, and the membership of its segments there."""

    def __init__(
        self, account_id: int, zone: tzinfo, zone_name: str, day: date, partitions: int, first_contact: int = 0
    ) -> None:
        self.account_id = account_id
        self.zone_name = zone_name
        self.days = Days(zone)
        self.image = Slice(day.toordinal(), partitions, first_contact)
        self.memberships: dict[UUID, Membership] = {}
        self.day_written = False
        self.ended: EndedDay | None = None  # the day that has ended, until it is written
        self._partitions = partitions
        self.failures: dict[UUID, str] = {}
        self._adopted: Definitions | None = None
        self._next_day = (0, datetime.min.replace(tzinfo=UTC))

    @property
    def day(self) -> date:
        """The account's day that the slice is in."""
        return date.fromordinal(self.image.day)

    @property
    def pending(self) -> bool:
        """Whether announcements may still be due."""
        return any(membership.pending and not membership.broken for membership in self.memberships.values())

    def next_day(self) -> datetime:
        """Return when the day after the slice's day begins."""
        day, begins = self._next_day
        if day != self.image.day:
            tomorrow = date.fromordinal(self.image.day + 1)
            begins = datetime.combine(tomorrow, time.min, self.days.zone).astimezone(UTC)
            self._next_day = (self.image.day, begins)
        return begins

    def adopt(self, definitions: Definitions) -> None:
        """Evaluate new, changed and mended definitions; contacts whose membership differs become pending.

        Call this before the other methods that take definitions.
        """
        if definitions is self._adopted:
            return
        self._adopted = definitions
        self.image.merged = definitions.merged
        for segment_id in definitions.broken:
            self._mark_broken(segment_id)
        changed = [
            definition
            for definition in definitions.all.values()
            if self._membership(definition.segment_id).adopted != definition.fingerprint
            or self.memberships[definition.segment_id].broken
        ]
        evaluator = Evaluator(self.image, keep=True)
        for definition in changed:
            membership = self.memberships[definition.segment_id]
            members = self._members(evaluator, definition)
            if members is not None:
                membership.postpone(members ^ membership.announced, "definition")
                membership.adopted = definition.fingerprint
                membership.broken = False
                membership.written = False
        for segment_id, membership in self.memberships.items():
            # A deleted segment has no members; a broken one keeps its members.
            is_deleted = segment_id not in definitions.all and segment_id not in definitions.broken
            if is_deleted and (membership.adopted or membership.broken):
                membership.postpone(membership.announced, "definition")
                membership.adopted = b""
                membership.broken = False
                membership.written = False

    def _mark_broken(self, segment_id: UUID) -> None:
        membership = self._membership(segment_id)
        if not membership.broken:
            membership.broken = True
            membership.written = False

    def _members(self, evaluator: Evaluator, definition: Definition) -> BitMap | None:
        """Return the contacts that satisfy a definition; None if evaluating it fails, which breaks only this
        segment."""
        try:
            return evaluator.members(definition.criterion)
        except Exception as error:  # noqa: BLE001 - it must not affect other segments
            self.failures[definition.segment_id] = f"{type(error).__name__}: {error}"
            self._mark_broken(definition.segment_id)
            return None

    def _membership(self, segment_id: UUID) -> Membership:
        return self.memberships.setdefault(segment_id, Membership())

    def advance_to(self, day: int, definitions: Definitions) -> None:
        """Advance to a day (an ordinal); contacts that enter or leave because of it become pending."""
        ended_day = self.day
        if not self.image.advance_to(day):
            return
        self.day_written = False
        counts = {
            segment_id: len(membership.announced)
            for segment_id, membership in self.memberships.items()
            if not membership.is_over
        }
        self.ended = EndedDay(ended_day, counts)
        evaluator = Evaluator(self.image, keep=True)
        for definition in definitions.all.values():
            membership = self.memberships[definition.segment_id]
            if definition.moves and not membership.broken:
                members = self._members(evaluator, definition)
                if members is not None:
                    membership.postpone(members ^ membership.announced, "time")
        self.image.forget_past()

    def replay(self, events: Iterable[ContactEvent]) -> None:
        """Fold events whose effects are already in the database."""
        fold(self.image, events, self.days, self._partitions)

    def fold(self, events: Iterable[ContactEvent], definitions: Definitions) -> Iterator[Move]:
        """Fold a batch of events; yield the moves that it causes, except those of pending contacts."""
        touched = fold(self.image, events, self.days, self._partitions)
        yield from self._moves_after(touched, definitions)

    def _moves_after(self, touched: Touched, definitions: Definitions) -> Iterator[Move]:
        evaluator = Evaluator(self.image, touched.contacts, keep=True)
        for definition in definitions.concerned(touched.names):
            membership = self.memberships[definition.segment_id]
            members = None if membership.broken else self._members(evaluator, definition)
            if members is None:
                continue
            changed = (members ^ (membership.announced & touched.contacts)) - membership.all_pending()
            if changed:
                yield from self._announce(definition.segment_id, membership, changed, members, "event")

    def drain(self, definitions: Definitions, limit: int) -> Iterator[Move]:
        """Evaluate at most `limit` pending contacts; yield their moves."""
        for segment_id, membership in list(self.memberships.items()):
            for reason in list(membership.pending) if not membership.broken else ():
                if limit <= 0:
                    return
                contacts = BitMap(membership.pending[reason][:limit])
                limit -= len(contacts)
                yield from self._drain(definitions.all.get(segment_id), segment_id, contacts, reason)

    def _drain(
        self, definition: Definition | None, segment_id: UUID, contacts: BitMap, reason: Reason
    ) -> Iterator[Move]:
        membership = self.memberships[segment_id]
        evaluator = Evaluator(self.image, contacts, keep=True)
        members = BitMap() if definition is None else self._members(evaluator, definition)
        if members is None:
            return
        remaining = membership.pending[reason] - contacts
        if remaining:
            membership.pending[reason] = remaining
        else:
            del membership.pending[reason]
        membership.written = False
        changed = members ^ (membership.announced & contacts)
        yield from self._announce(segment_id, membership, changed, members, reason)

    def _announce(
        self, segment_id: UUID, membership: Membership, changed: BitMap, members: BitMap, reason: Reason
    ) -> Iterator[Move]:
        membership.announced ^= changed
        membership.saved = False
        for contact in changed:
            yield Move(segment_id, contact, contact in members, reason)
