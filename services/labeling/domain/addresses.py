"""E-mail addresses and external ids of contacts."""

from services.labeling.domain.errors import InvalidError
from shared.addresses import Address, AddressError, parse_address


def email_address(text: str) -> Address:
    """Return `text` as an e-mail address. Raises InvalidError."""
    try:
        return parse_address(text)
    except AddressError as error:
        raise InvalidError(str(error)) from None


def external_id(text: str) -> str:
    """Return `text` as the id of a contact in another system: 1 to 200 characters, compared exactly.

    Raises InvalidError.
    """
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= 200:
        raise InvalidError("an external id must have 1 to 200 characters")
    if not trimmed.isprintable():
        raise InvalidError("an external id must not contain control characters")
    return trimmed
