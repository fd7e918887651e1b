"""Random tokens of links and sessions; only their hash is stored."""

import hashlib
import secrets


def new_token() -> str:
    """Return 256 random bits, for a URL or a cookie."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """Return the hash under which a token is stored."""
    return hashlib.sha256(token.encode()).digest()
