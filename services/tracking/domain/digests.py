"""Digests of e-mail addresses and external ids, which is all that tracking stores of them."""

from hashlib import sha256
from uuid import UUID

from shared.addresses import AddressError, parse_address


def email_digest(address: str) -> UUID:
    """Return a digest that is equal for addresses that labeling treats as equal (see `shared.addresses`).

    A text that is not an address also has a digest, which no contact has.
    """
    try:
        key = parse_address(address).key
    except AddressError:
        key = address.strip().lower()
    return _digest("email", key)


def external_digest(external_id: str) -> UUID:
    """Return a digest of an external id; surrounding spaces do not matter."""
    return _digest("external", external_id.strip())


def _digest(kind: str, text: str) -> UUID:
    return UUID(bytes=sha256(f"{kind}:{text}".encode()).digest()[:16])
