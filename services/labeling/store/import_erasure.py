"""Deletes the data of imports about one contact: rows, their errors, and effects."""

import hashlib
from collections.abc import Iterable

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.directory import Key, Kind
from services.labeling.store.imports import QUERIES


def key_hash(hash_key: bytes, kind: Kind, key: str) -> bytes:
    """Return the keyed hash of an address or an external id."""
    return hashlib.blake2b(f"{kind}:{key}".encode(), digest_size=16, key=hash_key).digest()


class KeyHashes(dict[Key, bytes]):
    """The keyed hashes of addresses and external ids; each is computed when it is first looked up."""

    def __init__(self, hash_key: bytes) -> None:
        super().__init__()
        self._hash_key = hash_key

    def __missing__(self, key: Key) -> bytes:
        value = self[key] = key_hash(self._hash_key, *key)
        return value


async def forget_in_imports(
    connection: PoolConnectionProxy, account_id: int, contact_id: int, keys: Iterable[Key]
) -> None:
    """Delete the rows, errors and effects of a contact, found by its id and its keys."""
    await QUERIES["forget_contact_by_id"].execute(connection, account_id=account_id, contact_id=contact_id)
    imports = await QUERIES["hash_keys"].fetch(connection, account_id=account_id)
    pairs = [(row["import_id"], key_hash(row["hash_key"], *key)) for row in imports for key in keys]
    if pairs:
        import_ids, hashes = zip(*pairs, strict=True)
        await QUERIES["forget_contact_by_hash"].execute(connection, import_ids=import_ids, hashes=hashes)
