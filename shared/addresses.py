"""E-mail addresses, compared as people would: surrounding spaces, case, and the spelling of the domain do not matter.

`weiß@example.com` and `weiss@example.com` are two addresses: letters are compared without case, not folded.
"""

import re
import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

# Plain ASCII addresses, which are nearly all, are recognised by this alone: the full check takes 70 to 100 µs. Domain
# labels with hyphens in the third and fourth place (IDNA) and reserved domains go through the full check.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(
    rf"(?=.{{1,64}}@)(?P<local>{_ATEXT}(?:\.{_ATEXT})*)@"
    rf"(?P<domain>(?:{_LABEL}\.)+(?!(?:arpa|invalid|local|localhost|onion)\Z)[A-Za-z]{{2,63}})\Z",
    re.IGNORECASE,
)
_MAX_LENGTH = 254


class Address(NamedTuple):
    """An address: `shown` is stored and sent to, `key` is compared."""

    shown: str
    key: str


class AddressError(ValueError):
    """A text is not an e-mail address; the message says why."""


def parse_address(text: str) -> Address:
    """Return `text` as an address. Asks no name server. Raises AddressError."""
    trimmed = text.strip()
    plain = _PLAIN.match(trimmed) if len(trimmed) <= _MAX_LENGTH else None
    if plain is None:
        return parse_fully(trimmed)
    local, domain = plain["local"], plain["domain"].lower()
    return Address(f"{local}@{domain}", f"{local.lower()}@{domain}")


def parse_fully(text: str) -> Address:
    """Return `text` as an address, without the fast path for plain ASCII. Raises AddressError."""
    try:
        # Test domains are accepted: there may be no other address while Penchant is being evaluated.
        valid = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise AddressError(f"not an e-mail address: {error}") from None
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", valid.local_part).lower())
    return Address(valid.normalized, f"{local}@{valid.ascii_domain}")
