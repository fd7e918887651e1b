"""Numbers of contacts as bit slices: plane `n` has the contacts whose number has bit `n`.

Contacts are indexes into a slice (`contact_id // partitions`). Functions never modify a bitmap that was returned
before.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from pyroaring import BitMap

from shared.criteria.grammar import Count

Planes = list[BitMap]


def add_ones(planes: Planes, contacts: BitMap, level: int = 0) -> None:
    """Add `2 ** level` for each of the contacts, in place."""
    carry = contacts
    while carry:
        while level >= len(planes):
            planes.append(BitMap())
        plane = planes[level]
        following = plane & carry
        plane ^= carry
        carry = following
        level += 1


def remove_ones(planes: Planes, contacts: BitMap, level: int = 0) -> None:
    """Subtract `2 ** level` for each of the contacts, in place; each must have at least that much."""
    borrow = contacts
    while borrow and level < len(planes):
        plane = planes[level]
        following = borrow - plane
        plane ^= borrow
        borrow = following
        level += 1


def occurrences(contacts: Sequence[int]) -> Planes:
    """Return how often each contact occurs in the list, as bit slices."""
    once = BitMap(contacts)
    if len(once) == len(contacts):
        return [once]
    numbers = Counter(contacts)
    return [
        BitMap([contact for contact, number in numbers.items() if number >> level & 1])
        for level in range(max(numbers.values()).bit_length())
    ]


def add_planes(planes: Planes, others: Iterable[BitMap], within: BitMap | None) -> None:
    """Add other numbers to those of `planes`, in place; only for contacts in `within`, unless it is None."""
    for level, other in enumerate(others):
        add_ones(planes, other if within is None else other & within, level)


def remove_planes(planes: Planes, others: Iterable[BitMap]) -> None:
    """Subtract other numbers from those of `planes`, in place."""
    for level, other in enumerate(others):
        remove_ones(planes, other, level)


def satisfying(planes: Sequence[BitMap], count: Count, universe: BitMap) -> BitMap:
    """Return the contacts of the universe whose number satisfies the comparison; contacts in no plane have zero."""
    if count.comparison == "at_least":
        return _at_least(planes, count.number, universe)
    if count.comparison == "at_most":
        return universe - _at_least(planes, count.number + 1, universe)
    if count.number == 0:
        return universe - BitMap.union(*planes) if planes else universe
    return _compared(planes, count.number)[1] & universe


def _at_least(planes: Sequence[BitMap], number: int, universe: BitMap) -> BitMap:
    if number <= 0:
        return universe
    if not planes:
        return BitMap()
    if number == 1:
        return BitMap.union(*planes) & universe
    more, equal = _compared(planes, number)
    return (more | equal) & universe


def _compared(planes: Sequence[BitMap], number: int) -> tuple[BitMap, BitMap]:
    """Return the contacts with more than a positive number, and those with exactly the number."""
    more = BitMap()
    if number.bit_length() > len(planes):
        return more, BitMap()
    equal = BitMap.union(*planes)
    for level in range(len(planes) - 1, -1, -1):
        if number >> level & 1:
            equal = equal & planes[level]
        else:
            more = more | (equal & planes[level])
            equal = equal - planes[level]
    return more, equal


def number_of(planes: Sequence[BitMap], contact: int) -> int:
    """Return the number of one contact."""
    return sum(1 << level for level, plane in enumerate(planes) if contact in plane)


def compared_planes(
    one: Sequence[BitMap], other: Sequence[BitMap], within: BitMap | None = None
) -> tuple[BitMap, BitMap]:
    """Return the contacts with a greater number in `one` than in `other`, and those with the same number above zero.

    `within`: only these contacts are of interest; each must have a number above zero in one of the two.
    """
    if within is None:
        within = BitMap.union(*one, *other) if one or other else BitMap()
    more, equal = BitMap(), within
    for level in range(max(len(one), len(other)) - 1, -1, -1):
        # Decided contacts are removed, so the bitmaps get smaller from plane to plane.
        first = equal & one[level] if level < len(one) else BitMap()
        second = equal & other[level] if level < len(other) else BitMap()
        more |= first - second
        equal = equal - (first ^ second)
        if not equal:
            break
    return more, equal


def multiplied(planes: Sequence[BitMap], factor: int) -> Planes:
    """Return the numbers multiplied by a factor."""
    product: Planes = []
    for shift in range(factor.bit_length()):
        if factor >> shift & 1:
            for level, plane in enumerate(planes):
                add_ones(product, plane, level + shift)
    return product


def strengths(planes: Sequence[BitMap], universe: BitMap) -> dict[int, int]:
    """Return how many contacts of the universe have each number above zero."""
    waiting = [(BitMap.union(*planes) & universe if planes else BitMap(), 0, len(planes) - 1)]
    counts: dict[int, int] = {}
    while waiting:
        contacts, number, level = waiting.pop()
        if not contacts:
            continue
        if level < 0:
            counts[number] = len(contacts)
        else:
            waiting.append((contacts & planes[level], number | 1 << level, level - 1))
            waiting.append((contacts - planes[level], number, level - 1))
    return counts
