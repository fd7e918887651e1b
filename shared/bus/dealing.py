"""Distributes a batch over partition numbers, and work over units of work."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")

# A partition number always belongs to the same group (p mod GROUPS), so that two units of work never wait for each
# other's locks. A unit of an intake topic takes the locks of all groups.
GROUPS = 2


def deal(waiting: Mapping[int, int], most: int) -> dict[int, int]:
    """Return how many records to take from each partition number, at most `most` together.

    `waiting` has the number of waiting records of each. What one number does not use of its share goes to the others.
    """
    shares: dict[int, int] = {}
    left = most
    by_size = sorted((size, number) for number, size in waiting.items() if size > 0)
    for index, (size, number) in enumerate(by_size):
        shares[number] = min(size, max(1, left // (len(by_size) - index)))
        left -= shares[number]
    return shares


def units_of(items: Mapping[int, Sequence[Item]], most: int) -> Iterator[list[Item]]:
    """Distribute the items of partition numbers over few units of work, each with numbers of one group.

    A unit has at most `most` items, or all items of one number if these are more, so that it releases its locks
    soon.
    """
    for group in range(GROUPS):
        unit: list[Item] = []
        for number in sorted(number for number in items if number % GROUPS == group):
            if unit and len(unit) + len(items[number]) > most:
                yield unit
                unit = []
            unit += items[number]
        if unit:
            yield unit
