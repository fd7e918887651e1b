"""What tracking keeps of a contact's e-mail address and external id: enough to know it again, no more."""

import unicodedata
from hashlib import sha256
from uuid import UUID

import idna


def email_digest(address: str) -> UUID:
    """Equal for addresses that people take for the same, whatever their case and however the domain is spelt."""
    local, _, domain = address.strip().rpartition("@")
    if not address.isascii():
        local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            domain = domain.casefold()
    return _digest("email", f"{local}@{domain}".lower())


def external_digest(external_id: str) -> UUID:
    """Equal for the same external id, compared exactly but for spaces around."""
    return _digest("external", external_id.strip())


def _digest(kind: str, text: str) -> UUID:
    return UUID(bytes=sha256(f"{kind}:{text}".encode()).digest()[:16])
