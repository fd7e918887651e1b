"""The key that identifies a report within its account and source."""

from hashlib import sha256
from uuid import UUID


def dedupe_key(event_id: str) -> UUID:
    """Return sixteen bytes that identify a report's id: those of a UUID, or else of a hash."""
    try:
        return UUID(event_id)
    except ValueError:
        return UUID(bytes=sha256(event_id.encode()).digest()[:16])
