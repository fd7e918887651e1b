"""E-mail addresses, compared as people do: spaces around, case, and how a domain is spelt make no difference."""

import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from services.labeling.domain.errors import InvalidError


class Address(NamedTuple):
    """`shown` is what is stored and sent to; `key` is what makes it unique in an account."""

    shown: str
    key: str


def email_address(text: str) -> Address:
    """`text` as an e-mail address. Raises `InvalidError` where it is none; asks no name server."""
    try:
        # Test domains too: who tries Penchant has no other addresses at hand.
        valid = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as problem:
        raise InvalidError(f"not an e-mail address: {problem}") from None
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", valid.local_part).casefold())
    return Address(valid.normalized, f"{local}@{valid.ascii_domain}")


def external_id(text: str) -> str:
    """`text` as the id that another system gave to a contact: 1 to 200 characters, compared exactly."""
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= 200:
        raise InvalidError("an external id has 1 to 200 characters")
    if not trimmed.isprintable():
        raise InvalidError("an external id has no control characters")
    return trimmed
