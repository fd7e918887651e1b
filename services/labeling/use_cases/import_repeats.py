"""Finds rows of an import that repeat a contact of an earlier row."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.directory import Key
from services.labeling.domain.imports.repeats import repeats
from services.labeling.store import import_rows
from services.labeling.store.imports import Import


async def find_repeats(
    connection: PoolConnectionProxy, an_import: Import, rows: Sequence[Collection[Key]], hashes: Mapping[Key, bytes]
) -> list[bool]:
    """Return for each of the next rows, given by their keys, whether it repeats the contact of an earlier row."""
    keys = set(chain.from_iterable(rows))
    known = await import_rows.known_hashes(
        connection,
        an_import.id,
        an_import.generation,
        [hashes[key] for key in keys if key[0] == "email"],
        [hashes[key] for key in keys if key[0] == "external"],
    )
    return repeats(rows, {key for key in keys if hashes[key] in known} if known else ())
