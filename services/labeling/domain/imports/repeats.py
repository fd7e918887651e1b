"""Finds rows that repeat a contact of an earlier row."""

from collections.abc import Collection, Iterable

from services.labeling.domain.directory import Key


def repeats(rows: Iterable[Collection[Key]], earlier: Collection[Key]) -> list[bool]:
    """Return for each row, given its keys, whether one of them is `earlier` or is a key of a row before it."""
    known = set(earlier)
    found = []
    for keys in rows:
        found.append(not known.isdisjoint(keys))
        known.update(keys)
    return found
