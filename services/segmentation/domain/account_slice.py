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
    by reason; they are evaluated when their turn comes, and until then events about them announce nothing. `adopted` is
    the fingerprint of the definition that was evaluated. `broken`: the segment decides nothing, and pending contacts
    stay pending. `written` and `saved`: whether the database has the whole state, and the members.
    """

    announced: BitMap = field(default_factory=BitMap)
    pending: dict[Reason, BitMap] = field(default_factory=dict)
    adopted: bytes = b""
    broken: bool = False
    written: bool = False
    saved: bool = True

    def waiting(self) -> BitMap:
        """Return all pending contacts."""
        return BitMap.union(*self.pending.values()) if self.pending else BitMap()

    @property
    def over(self) -> bool:
        """Whether the segment is deleted and the exits of all its members were announced."""
        return not self.adopted and not self.pending and not self.announced

    def postpone(self, contacts: BitMap, reason: Reason) -> None:
        """Add contacts to the pending ones."""
        fresh = contacts - self.waiting()
        if fresh:
            self.pending[reason] = self.pending.get(reason, BitMap()) | fresh
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
        """Evaluate definitions that changed or were mended; the difference becomes pending. Call this first."""
        if definitions is self._adopted:
            return
        self._adopted = definitions
        self.image.merged = definitions.merged
        for segment_id in definitions.broken:
            self._break(segment_id)
        changed = [
            definition
            for definition in definitions.all.values()
            if self._membership(definition.segment_id).adopted != definition.fingerprint
            or self.memberships[definition.segment_id].broken
        ]
        evaluator = Evaluator(self.image, keep=True)
        for definition in changed:
            membership = self.memberships[definition.segment_id]
            true = self._members(evaluator, definition)
            if true is not None:
                membership.postpone(true ^ membership.announced, "definition")
                membership.adopted = definition.fingerprint
                membership.broken = False
                membership.written = False
        for segment_id, membership in self.memberships.items():
            # A deleted segment has no members; a broken one keeps its members.
            gone = segment_id not in definitions.all and segment_id not in definitions.broken
            if gone and (membership.adopted or membership.broken):
                membership.postpone(membership.announced, "definition")
                membership.adopted = b""
                membership.broken = False
                membership.written = False

    def _break(self, segment_id: UUID) -> None:
        membership = self._membership(segment_id)
        if not membership.broken:
            membership.broken = True
            membership.written = False

    def _members(self, evaluator: Evaluator, definition: Definition) -> BitMap | None:
        """Return the contacts that satisfy a definition; None if evaluating it fails, which breaks only this
        segment."""
        try:
            return evaluator.members(definition.criterion)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other segments are not to blame
            self.failures[definition.segment_id] = f"{type(error).__name__}: {error}"
            self._break(definition.segment_id)
            return None

    def _membership(self, segment_id: UUID) -> Membership:
        return self.memberships.setdefault(segment_id, Membership())

    def pass_to(self, day: int, definitions: Definitions) -> None:
        """Move forward to a day; contacts that enter or leave because of it become pending."""
        left = self.day
        if not self.image.pass_to(day):
            return
        self.day_written = False
        counts = {segment_id: len(one.announced) for segment_id, one in self.memberships.items() if not one.over}
        self.ended = EndedDay(left, counts)
        evaluator = Evaluator(self.image, keep=True)
        for definition in definitions.all.values():
            membership = self.memberships[definition.segment_id]
            if definition.moves and not membership.broken:
                true = self._members(evaluator, definition)
                if true is not None:
                    membership.postpone(true ^ membership.announced, "time")
        self.image.settle_day()

    def replay(self, events: Iterable[ContactEvent]) -> None:
        """Fold events whose effects are already in the database."""
        fold(self.image, events, self.days, self._partitions)

    def fold(self, events: Iterable[ContactEvent], definitions: Definitions) -> Iterator[Move]:
        """Fold a batch; return the moves that it causes, except those of pending contacts."""
        touched = fold(self.image, events, self.days, self._partitions)
        yield from self._after(touched, definitions)

    def _after(self, touched: Touched, definitions: Definitions) -> Iterator[Move]:
        evaluator = Evaluator(self.image, touched.contacts, keep=True)
        for definition in definitions.concerned(touched.about):
            membership = self.memberships[definition.segment_id]
            true = None if membership.broken else self._members(evaluator, definition)
            if true is None:
                continue
            changed = (true ^ (membership.announced & touched.contacts)) - membership.waiting()
            if changed:
                yield from self._announce(definition.segment_id, membership, changed, true, "event")

    def drain(self, definitions: Definitions, most: int) -> Iterator[Move]:
        """Evaluate at most `most` pending contacts; return their moves."""
        for segment_id, membership in list(self.memberships.items()):
            for reason in list(membership.pending) if not membership.broken else ():
                if most <= 0:
                    return
                piece = BitMap(membership.pending[reason][:most])
                most -= len(piece)
                yield from self._drain(definitions.all.get(segment_id), segment_id, piece, reason)

    def _drain(self, definition: Definition | None, segment_id: UUID, piece: BitMap, reason: Reason) -> Iterator[Move]:
        membership = self.memberships[segment_id]
        evaluator = Evaluator(self.image, piece, keep=True)
        true = BitMap() if definition is None else self._members(evaluator, definition)
        if true is None:
            return
        left = membership.pending[reason] - piece
        if left:
            membership.pending[reason] = left
        else:
            del membership.pending[reason]
        membership.written = False
        changed = true ^ (membership.announced & piece)
        yield from self._announce(segment_id, membership, changed, true, reason)

    def _announce(
        self, segment_id: UUID, membership: Membership, changed: BitMap, true: BitMap, reason: Reason
    ) -> Iterator[Move]:
        membership.announced ^= changed
        membership.saved = False
        for contact in changed:
            yield Move(segment_id, contact, contact in true, reason)
