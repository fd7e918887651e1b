"""Deals a batch evenly."""

from collections.abc import Mapping


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
