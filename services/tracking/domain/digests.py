"""What tracking keeps of a contact's e-mail address and external id: enough to know it again, no more."""

from hashlib import sha256
from uuid import UUID

from shared.addresses import AddressError, parse_address


def email_digest(address: str) -> UUID:
    """Return a digest that is equal for addresses that labeling takes for the same (see `shared.addresses`).

    A text that is not an address has a digest too; no contact has the same.
    """
    try:
        key = parse_address(address).key
    except AddressError:
        key = address.strip().lower()
    return _digest("email", key)


def external_digest(external_id: str) -> UUID:
    """Return a digest that is equal for the same external id; spaces around it do not matter."""
    return _digest("external", external_id.strip())


def _digest(kind: str, text: str) -> UUID:
    return UUID(bytes=sha256(f"{kind}:{text}".encode()).digest()[:16])
