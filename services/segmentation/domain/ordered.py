"""One comparable number per contact, as bit slices of non-negative integers."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping

from pyroaring import BitMap

FEW = 8  # up to this many contacts are processed one by one
_TOP = 1 << 63
_ALL = (1 << 64) - 1


def key_of_float(number: float) -> int:
    """Return an integer below 2 ** 64 that sorts like the float."""
    bits: int = struct.unpack(">Q", struct.pack(">d", number))[0]
    return ~bits & _ALL if bits & _TOP else bits | _TOP


def float_of_key(key: int) -> float:
    """Return the float of a key from `key_of_float`."""
    bits = key & ~_TOP if key & _TOP else ~key & _ALL
    number: float = struct.unpack(">d", struct.pack(">Q", bits))[0]
    return number


class Ordered:
    """At most one number per contact.

    `present`: the contacts that have one. `ranges` are cached results of repeated queries; they are kept current, and
    are not part of the state.
    """

    __slots__ = ("planes", "present", "ranges")

    def __init__(self) -> None:
        self.present = BitMap()
        self.planes: list[BitMap] = []
        self.ranges: dict[tuple[int, int], BitMap] = {}

    def remove(self, contacts: BitMap) -> None:
        """Remove the numbers of contacts."""
        if not contacts & self.present:
            return
        self.present -= contacts
        for plane in self.planes:
            plane -= contacts
        for cached in self.ranges.values():
            cached -= contacts

    def put(self, numbers: Mapping[int, int]) -> None:
        """Set numbers of contacts, replacing earlier ones."""
        if not numbers:
            return
        contacts = BitMap(list(numbers))
        self.remove(contacts)
        self.present |= contacts
        by_number: dict[int, list[int]] = {}
        for contact, number in numbers.items():
            by_number.setdefault(number, []).append(contact)
        for (lowest, highest), cached in self.ranges.items():
            cached |= BitMap([contact for contact, number in numbers.items() if lowest <= number <= highest])
        while len(self.planes) < max(by_number).bit_length():
            self.planes.append(BitMap())
        if len(by_number) < 200:
            for number, holders in by_number.items():
                self._set_bits(number, BitMap(holders))
        else:
            for level, plane in enumerate(self.planes):
                plane |= BitMap([contact for contact, number in numbers.items() if number >> level & 1])

    def put_all(self, number: int, contacts: BitMap) -> None:
        """Set the same number for contacts, replacing earlier ones."""
        self.remove(contacts)
        self.present |= contacts
        while len(self.planes) < number.bit_length():
            self.planes.append(BitMap())
        self._set_bits(number, contacts)

    def _set_bits(self, number: int, contacts: BitMap) -> None:
        for level, plane in enumerate(self.planes):
            if number >> level & 1:
                plane |= contacts

    def compared(self, number: int, within: BitMap | None = None) -> tuple[BitMap, BitMap, BitMap]:
        """Return the contacts with a smaller, the same, and a greater number; only those in `within`, unless None."""
        considered = self.present if within is None else self.present & within
        less, equal = BitMap(), considered
        if number < 0:
            return less, BitMap(), considered
        if number.bit_length() > len(self.planes):
            return considered, BitMap(), BitMap()
        for level in range(len(self.planes) - 1, -1, -1):
            if not equal:
                break
            if number >> level & 1:
                less = less | (equal - self.planes[level])
                equal = equal & self.planes[level]
            else:
                equal = equal - self.planes[level]
        return less, equal, considered - less - equal

    def any_of(self, numbers: Iterable[int], within: BitMap | None = None) -> BitMap:
        """Return the contacts that have one of the numbers, in one pass through the bit slices."""
        considered = self.present if within is None else self.present & within
        targets = sorted({number for number in numbers if number >= 0 and number.bit_length() <= len(self.planes)})
        found: list[BitMap] = []
        waiting = [(considered, targets, len(self.planes) - 1)]
        while waiting:
            contacts, targets, level = waiting.pop()
            if not contacts or not targets:
                continue
            if level < 0:
                found.append(contacts)
            elif len(contacts) <= FEW:
                target_set = set(targets)
                found.append(BitMap([contact for contact in contacts if self.get(contact) in target_set]))
            else:
                split = bisect_left(targets, True, key=lambda number: bool(number >> level & 1))
                waiting.append((contacts & self.planes[level], targets[split:], level - 1))
                waiting.append((contacts - self.planes[level], targets[:split], level - 1))
        return BitMap.union(*found) if found else BitMap()

    def between(self, lowest: int, highest: int, within: BitMap | None = None) -> BitMap:
        """Return the contacts with a number from lowest to highest, inclusive."""
        if highest < lowest:
            return BitMap()
        less, _, _ = self.compared(lowest, within)
        _, _, more = self.compared(highest, within)
        return (self.present if within is None else self.present & within) - less - more

    def cached_between(self, lowest: int, highest: int) -> BitMap:
        """Return the same as `between`, and cache it until `forget_ranges`; it must not be modified."""
        cached = self.ranges.get((lowest, highest))
        if cached is None:
            cached = self.ranges[lowest, highest] = self.between(lowest, highest)
        return cached

    def forget_ranges(self) -> None:
        """Drop cached results that will not be queried again."""
        self.ranges = {}

    def get(self, contact: int) -> int | None:
        """Return the number of one contact."""
        if contact not in self.present:
            return None
        return sum(1 << level for level, plane in enumerate(self.planes) if contact in plane)
