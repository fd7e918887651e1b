"""Deterministic ids of runs and messages, and the time at which an event was recorded."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import Struct
from uuid import UUID

from shared.events.envelope import Event

_CONTACT = Struct(">IQ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def run_id(workflow_id: UUID, account_id: int, contact_id: int, triggering_event: UUID) -> UUID:
    """Return the id of the run that this event starts for this contact; it is the same after every replay."""
    contact = _CONTACT.pack(account_id, contact_id)
    hashed = blake2b(workflow_id.bytes + contact + triggering_event.bytes, digest_size=16, person=b"penchant run")
    return UUID(bytes=hashed.digest(), version=5)


def idempotency_key(run: UUID, step_id: str) -> str:
    """Return the idempotency key of the message that a step requests; a run takes a step at most once."""
    return f"{run}:{step_id}"


def recorded_at(event: Event) -> datetime:
    """Return when its service recorded the event, to the millisecond, from the UUIDv7 of the event.

    An old event that is reported late (a replayed click) was recorded late. For an id of another kind, `occurred_at` is
    returned.
    """
    if event.event_id.version == 7:
        return _EPOCH + timedelta(milliseconds=event.event_id.int >> 80)
    return event.occurred_at
