"""Finds rows that repeat a contact of an earlier row."""

from collections.abc import Collection, Iterable

from services.labeling.domain.directory import Key


def repeats(rows: Iterable[Collection[Key]], earlier: Collection[Key]) -> list[bool]:
    """Return for each row, given its keys, whether one of them is `earlier` or is a key of a row before it."""
    known = set(earlier)
    repeated = []
    for keys in rows:
        repeated.append(not known.isdisjoint(keys))
        known.update(keys)
    return repeated
