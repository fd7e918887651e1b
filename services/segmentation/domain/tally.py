"""Counts per contact and day of one kind of click or engagement, as bit slices per day."""

from array import array
from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.planes import Planes, add_planes, occurrences, remove_ones, remove_planes

# A tally with at most this many events is loose: it stores them as plain numbers. There may be millions of such
# tallies, because every message that a workflow sends is a separate send.
MAX_LOOSE_EVENTS = 16
# Days in a block, the largest first. A range of a year is the sum of about fifteen blocks and days.
BLOCKS = (64, 16, 4)
FEW_DAYS = 8  # up to this many are added one by one
FOREVER = 1 << 30  # beyond every day; days are ordinals, 1 is the first
EVER = (0, FOREVER)

Range = tuple[int, int]


class Tally:
    """Numbers of events per contact and day.

    `days` maps a day (its ordinal) to bit slices. `sums` are cached sums over ranges of days (inclusive); they are kept
    current, and are not part of the state. `past` are the sums of the previous day, from which new ones are derived
    when a day passes; they are valid until an event is added. `last_days` caches the last day of each contact in
    ranges; it is kept current too. `blocks` are cached sums of whole blocks of days, by first day and size, from which
    other sums are computed; they are kept current too.
    """

    __slots__ = ("blocks", "days", "last_days", "loose", "past", "sums")

    def __init__(self) -> None:
        self.loose: array[int] | None = array("Q")
        self.days: dict[int, Planes] = {}
        self.sums: dict[Range, Planes] = {}
        self.past: dict[Range, Planes] = {}
        self.last_days: dict[Range, Ordered] = {}
        self.blocks: dict[Range, Planes] = {}

    def add(self, day: int, contacts: Sequence[int]) -> bool:
        """Add an event on that day for each contact in the list, including repeated ones; return True if the tally
        stops being loose."""
        is_settled = False
        if self.last_days:
            self._add_to_last_days(day, BitMap(contacts))
        if self.loose is not None:
            if len(self.loose) + len(contacts) <= MAX_LOOSE_EVENTS:
                self.loose.extend(day << 32 | contact for contact in contacts)
                if self.sums:
                    self._add_to_sums(day, occurrences(contacts))
                return False
            self._settle()
            is_settled = True
        added = occurrences(contacts)
        add_planes(self.days.setdefault(day, []), added, None)
        for size in BLOCKS if self.blocks else ():
            if (block := self.blocks.get((day - day % size, size))) is not None:
                add_planes(block, added, None)
        self._add_to_sums(day, added)
        self.forget_past()
        return is_settled

    def _add_to_sums(self, day: int, added: Planes) -> None:
        for (first, last), planes in self.sums.items():
            if first <= day <= last:
                add_planes(planes, added, None)

    def _add_to_last_days(self, day: int, contacts: BitMap) -> None:
        for (first, last), index in self.last_days.items():
            if first <= day <= last:
                number = day - first + 1
                _, same, later = index.compared(number, contacts)
                index.put_all(number, contacts - same - later)

    def _settle(self) -> None:
        by_day: dict[int, list[int]] = {}
        for packed in self.loose or ():
            by_day.setdefault(packed >> 32, []).append(packed & 0xFFFFFFFF)
        self.loose = None
        for day, contacts in by_day.items():
            add_planes(self.days.setdefault(day, []), occurrences(contacts), None)

    def counted(self, days: Range, within: BitMap | None, keep: bool = False) -> Planes:
        """Return the events in a range of days as bit slices, which must not be changed.

        `within`: only these contacts are of interest; others may be included. `keep`: cache the sum, because the range
        will be queried again until a day has passed.
        """
        total = self.sums.get(days)
        if total is None:
            if not keep:
                return self._sum(days, within)
            total = self.sums[days] = self._sum_from_nearest(days)
        return total if within is None else [plane & within for plane in total]

    def _sum(self, days: Range, within: BitMap | None) -> Planes:
        planes: Planes = []
        if self.loose is not None:
            contacts = [packed & 0xFFFFFFFF for packed in self.loose if days[0] <= packed >> 32 <= days[1]]
            return occurrences(contacts) if contacts else planes
        for summand in self._summands(days):
            add_planes(planes, summand, within)
        return planes

    def _summands(self, days: Range) -> Iterator[Planes]:
        """Yield what to add up for a range of days: the sums of the largest possible blocks, and single days."""
        if not self.days or self._number_of_days(days) <= FEW_DAYS:
            yield from self._planes_in(days)
            return
        newest = max(self.days)
        day, last = max(days[0], min(self.days)), min(days[1], newest)
        while day <= last:
            # A block that has not ended would change with every click.
            fitting = (size for size in BLOCKS if day % size == 0 and day + size - 1 <= last and day + size <= newest)
            size = next(fitting, 1)
            yield self._block(day, size)
            day += size

    def _block(self, day: int, size: int) -> Planes:
        if size == 1:
            return self.days.get(day, [])
        block = self.blocks.get((day, size))
        if block is None:
            block = self.blocks[day, size] = []
            smaller = size // BLOCKS[-1]
            for first in range(day, day + size, smaller):
                add_planes(block, self._block(first, smaller), None)
        return block

    def _sum_from_nearest(self, days: Range) -> Planes:
        """Return the sum over a range, derived from another range's sum if that takes fewer additions and
        subtractions."""
        best, cost = None, self._number_of_days(days)
        for other in (*self.sums, *self.past):
            if days[0] <= other[1] and other[0] <= days[1]:
                difference = sum(map(self._number_of_days, _differences(days, other)))
                if difference < cost:
                    best, cost = other, difference
        if best is None or self.loose is not None:
            return self._sum(days, None)
        planes = [plane.copy() for plane in (self.sums[best] if best in self.sums else self.past[best])]
        for gap in _differences(days, best):
            inside = days[0] <= gap[0] and gap[1] <= days[1]
            for slices in self._planes_in(gap):
                if inside:
                    add_planes(planes, slices, None)
                else:
                    remove_planes(planes, slices)
        return planes

    def _number_of_days(self, days: Range) -> int:
        return max(0, min(days[1] - days[0] + 1, len(self.days)))

    def contacts_with_any(self, days: Range, within: BitMap | None) -> BitMap:
        """Return the contacts with any event in a range of days; contacts outside `within` may be included."""
        total = self.sums.get(days)
        if total is None:
            if self.loose is not None:
                return BitMap([packed & 0xFFFFFFFF for packed in self.loose if days[0] <= packed >> 32 <= days[1]])
            total = [plane for slices in self._planes_in(days) for plane in slices]
            if within is not None and len(within) < 1000:
                total = [plane & within for plane in total]
        return BitMap.union(*total) if total else BitMap()

    def clicked_by_day(self, days: Range, within: BitMap) -> Iterator[tuple[int, BitMap]]:
        """Yield the contacts in `within` with any event, for each day in the range; a day may come more than once."""
        if self.loose is not None:
            for packed in self.loose:
                if days[0] <= packed >> 32 <= days[1] and packed & 0xFFFFFFFF in within:
                    yield packed >> 32, BitMap([packed & 0xFFFFFFFF])
            return
        for day, planes in self.days.items():
            if days[0] <= day <= days[1]:
                # `within` is usually small, so intersect each plane before the union.
                contacts = BitMap.union(*(plane & within for plane in planes))
                if contacts:
                    yield day, contacts

    def last_day(self, days: Range, within: BitMap | None, keep: bool = False) -> Planes:
        """Return each contact's last day in a range of days, counted from 1, as bit slices, not to be modified.

        `within` and `keep`: see `counted`.
        """
        index = self.last_days.get(days)
        if index is None and keep:
            index = self.last_days[days] = self._last_days_to_cache(days)
        return (index or self._last_days(days, within)).planes

    def _last_days_to_cache(self, days: Range) -> Ordered:
        if days == EVER or self.loose is not None or not self.days or days[1] < max(self.days):
            return self._last_days(days, None)
        # Without clicks after the range, a contact's last day in it is the last day of all, unless that is before the
        # range.
        ever = self.last_days.get(EVER)
        if ever is None:
            ever = self.last_days[EVER] = self._last_days(EVER, None)
        index = Ordered()
        earlier, _, _ = ever.compared(days[0] - EVER[0] + 1)
        index.present = ever.present - earlier
        index.planes = [plane & index.present for plane in ever.planes]
        for level in range(days[0].bit_length()):
            if days[0] >> level & 1:
                remove_ones(index.planes, index.present, level)
        while index.planes and not index.planes[-1]:
            index.planes.pop()
        return index

    def _last_days(self, days: Range, within: BitMap | None) -> Ordered:
        index = Ordered()
        first, last = days
        if self.loose is not None:
            for packed in sorted(self.loose):
                if first <= packed >> 32 <= last:
                    index.put_all((packed >> 32) - first + 1, BitMap([packed & 0xFFFFFFFF]))
            return index
        by_day: list[tuple[int, BitMap]] = []
        for day in sorted(self.days, reverse=True):
            if first <= day <= last:
                planes = self.days[day] if within is None else [plane & within for plane in self.days[day]]
                added = BitMap.union(*planes) - index.present
                if added:
                    index.present |= added
                    by_day.append((day - first + 1, added))
        levels = by_day[0][0].bit_length() if by_day else 0
        for level in range(levels):
            index.planes.append(BitMap.union(BitMap(), *(added for number, added in by_day if number >> level & 1)))
        return index

    def _planes_in(self, days: Range) -> Iterator[Planes]:
        first, last = days
        if last - first < len(self.days):
            return (self.days[day] for day in range(first, last + 1) if day in self.days)
        return (slices for day, slices in self.days.items() if first <= day <= last)

    def number(self, days: Range, contact: int) -> int:
        """Return how many events one contact has in a range of days."""
        if self.loose is not None:
            return sum(packed & 0xFFFFFFFF == contact and days[0] <= packed >> 32 <= days[1] for packed in self.loose)
        return sum(
            1 << level for slices in self._planes_in(days) for level, plane in enumerate(slices) if contact in plane
        )

    def pass_day(self) -> None:
        """Drop what is outdated because a day has passed. The sums become `past`, from which new ones are derived."""
        self.past, self.sums = self.sums, {}
        if EVER in self.past:
            self.sums[EVER] = self.past.pop(EVER)
        self.last_days = {days: index for days, index in self.last_days.items() if days == EVER}

    def forget_past(self) -> None:
        """Drop the sums of the previous day, once the new ones exist or an event was added."""
        self.past = {}


def _differences(days: Range, other: Range) -> list[Range]:
    """Return the ranges of days that are in exactly one of two overlapping ranges."""
    starts, ends = sorted((days[0], other[0])), sorted((days[1], other[1]))
    return [one for one in ((starts[0], starts[1] - 1), (ends[0] + 1, ends[1])) if one[0] <= one[1]]


def add_tallies(tallies: Sequence[Tally], days: Range, within: BitMap | None, keep: bool) -> Planes:
    """Return the sum of several tallies over a range of days."""
    if len(tallies) == 1:
        return tallies[0].counted(days, within, keep)
    planes: Planes = []
    for tally in tallies:
        add_planes(planes, tally.counted(days, within, keep), within)
    return planes
