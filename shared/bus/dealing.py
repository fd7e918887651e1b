"""Deals a batch evenly, and work into units."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")

# A partition number belongs to a group for good (p mod GROUPS), so that two units of work never wait for each other's
# locks. An intake unit takes the locks of all.
GROUPS = 2


def deal(waiting: Mapping[int, int], most: int) -> dict[int, int]:
    """Return how many records to take of each partition number, at most `most` together.

    `waiting` is how many each has. What one does not use goes to the others.
    """
    shares: dict[int, int] = {}
    left = most
    by_size = sorted((size, number) for number, size in waiting.items() if size > 0)
    for place, (size, number) in enumerate(by_size):
        shares[number] = min(size, max(1, left // (len(by_size) - place)))
        left -= shares[number]
    return shares


def units_of(items: Mapping[int, Sequence[Item]], most: int) -> Iterator[list[Item]]:
    """Deal what is to be done for partition numbers into few units of work, each for numbers of one group.

    A unit has `most` items, or those of one number if they are more, so that others get its locks soon.
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
