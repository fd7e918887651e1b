"""Finds rows of an import that repeat a contact of an earlier row."""

from collections.abc import Collection, Sequence
from itertools import chain

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.directory import Key
from services.labeling.domain.imports.repeats import repeats
from services.labeling.store import import_rows
from services.labeling.store.import_erasure import key_hash
from services.labeling.store.imports import Import


async def find_repeats(
    connection: PoolConnectionProxy, an_import: Import, rows: Sequence[Collection[Key]]
) -> list[bool]:
    """Return for each of the next rows, given its keys, whether it repeats the contact of an earlier row."""
    hashes = {key_hash(an_import.hash_key, *key): key for key in set(chain.from_iterable(rows))}
    known = await import_rows.known_hashes(
        connection,
        an_import.id,
        an_import.generation,
        [value for value, (kind, _) in hashes.items() if kind == "email"],
        [value for value, (kind, _) in hashes.items() if kind == "external"],
    )
    return repeats(rows, {hashes[value] for value in known})
