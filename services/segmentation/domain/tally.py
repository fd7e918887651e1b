"""How often, per contact and day: one thing that can be clicked or done, as bit slices per day."""

from array import array
from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from services.segmentation.domain.planes import Planes, add_each, add_planes

# A tally with this many events or fewer keeps them as plain numbers. There may be millions of such tallies: every
# message that a workflow sends is a send of its own.
MOST_LOOSE = 16
FOREVER = 1 << 30  # beyond every day; days are ordinals, 1 is the first
EVER = (0, FOREVER)

Range = tuple[int, int]


class Tally:
    """Numbers of events per contact and day.

    `days` maps a day (its ordinal) to bit slices. `sums` are sums over ranges of days (inclusive) that are asked again
    and again; they are kept current, and are no part of the state.
    """

    __slots__ = ("days", "loose", "sums")

    def __init__(self) -> None:
        self.loose: array[int] | None = array("Q")
        self.days: dict[int, Planes] = {}
        self.sums: dict[Range, Planes] = {}

    def add(self, day: int, contacts: Sequence[int]) -> bool:
        """One event on that day for every time that a contact is in the list; whether it is loose no more."""
        self._add_to_sums(day, contacts)
        settles = False
        if self.loose is not None:
            if len(self.loose) + len(contacts) <= MOST_LOOSE:
                self.loose.extend(day << 32 | contact for contact in contacts)
                return False
            self._settle()
            settles = True
        add_each(self.days.setdefault(day, []), contacts)
        return settles

    def _add_to_sums(self, day: int, contacts: Sequence[int]) -> None:
        for (first, last), planes in self.sums.items():
            if first <= day <= last:
                add_each(planes, contacts)

    def _settle(self) -> None:
        by_day: dict[int, list[int]] = {}
        for packed in self.loose or ():
            by_day.setdefault(packed >> 32, []).append(packed & 0xFFFFFFFF)
        self.loose = None
        for day, contacts in by_day.items():
            add_each(self.days.setdefault(day, []), contacts)

    def counted(self, days: Range, within: BitMap | None, keep: bool = False) -> Planes:
        """Numbers of events in a range of days, as bit slices that must not be changed.

        `within`: only these contacts are asked for; others may be left out. `keep`: the same range will be asked again
        until `forget_sums`.
        """
        found = self.sums.get(days)
        if found is not None:
            return found
        if keep:
            planes = self.sums[days] = self._sum(days, None)
            return planes
        return self._sum(days, within)

    def _sum(self, days: Range, within: BitMap | None) -> Planes:
        planes: Planes = []
        if self.loose is not None:
            found = [packed & 0xFFFFFFFF for packed in self.loose if days[0] <= packed >> 32 <= days[1]]
            if found:
                add_each(planes, found)
            return planes
        for slices in self._in(days):
            add_planes(planes, slices, within)
        return planes

    def ever(self, days: Range, within: BitMap | None) -> BitMap:
        """The contacts with any event in a range of days; those outside `within` may be among them."""
        found = self.sums.get(days)
        if found is None:
            if self.loose is not None:
                return BitMap([packed & 0xFFFFFFFF for packed in self.loose if days[0] <= packed >> 32 <= days[1]])
            found = [plane for slices in self._in(days) for plane in slices]
            if within is not None and len(within) < 1000:
                found = [plane & within for plane in found]
        return BitMap.union(*found) if found else BitMap()

    def _in(self, days: Range) -> Iterator[Planes]:
        first, last = days
        if last - first < len(self.days):
            return (self.days[day] for day in range(first, last + 1) if day in self.days)
        return (slices for day, slices in self.days.items() if first <= day <= last)

    def number(self, days: Range, contact: int) -> int:
        """How many events one contact has in a range of days."""
        if self.loose is not None:
            return sum(packed & 0xFFFFFFFF == contact and days[0] <= packed >> 32 <= days[1] for packed in self.loose)
        return sum(1 << level for slices in self._in(days) for level, plane in enumerate(slices) if contact in plane)

    def forget_sums(self) -> None:
        """The day has changed: what was asked until now will not be asked again."""
        self.sums.clear()


def add_tallies(tallies: Sequence[Tally], days: Range, within: BitMap | None, keep: bool) -> Planes:
    """The sum of several tallies over a range of days."""
    if len(tallies) == 1:
        return tallies[0].counted(days, within, keep)
    planes: Planes = []
    for tally in tallies:
        add_planes(planes, tally.counted(days, within, keep), within)
    return planes
