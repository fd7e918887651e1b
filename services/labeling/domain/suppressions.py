"""Keyed hashes of suppressed addresses, from which an address can be recognised but not recovered."""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from hmac import digest
from typing import NamedTuple

VERSION = 1  # version of the normalisation of addresses before hashing


class Hash(NamedTuple):
    """A hash with the id of its key."""

    key_id: str
    value: bytes


class SuppressionKeys:
    """The keys of hashes: the first makes new hashes, look-ups try all."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._keys = tuple(keys)

    @classmethod
    def parse(cls, text: str) -> "SuppressionKeys":
        """Parse keys written `id:base64,…`. Raises ValueError."""
        return cls([_parse(item.strip()) for item in text.split(",")])

    def hashes(self, account_id: int, email_key: str) -> list[Hash]:
        """Return the hashes of an address for an account, one per key, in the order of the keys."""
        text = f"suppression:{VERSION}:{account_id}:{email_key}".encode()
        return [Hash(key_id, digest(secret, text, "sha256")) for key_id, secret in self._keys]


def _parse(item: str) -> tuple[str, bytes]:
    key_id, colon, encoded = item.partition(":")
    if not colon or not key_id:
        raise ValueError("a key must have the form id:base64")
    try:
        standard = encoded.translate(str.maketrans("-_", "+/"))
        return key_id, b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"key {key_id}: not base64") from None
