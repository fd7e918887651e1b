"""Ids that follow from what they stand for, and when an event was recorded."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import Struct
from uuid import UUID

from shared.events.envelope import Event

_CONTACT = Struct(">IQ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def run_id(workflow_id: UUID, account_id: int, contact_id: int, triggering_event: UUID) -> UUID:
    """Return the run that this event starts for this contact: the same however often the event is seen."""
    contact = _CONTACT.pack(account_id, contact_id)
    made = blake2b(workflow_id.bytes + contact + triggering_event.bytes, digest_size=16, person=b"penchant run")
    return UUID(bytes=made.digest(), version=5)


def idempotency_key(run: UUID, step_id: str) -> str:
    """Return the key of the message that a step of a run asks for; a run takes a step at most once."""
    return f"{run}:{step_id}"


def recorded_at(event: Event) -> datetime:
    """Return when its service recorded the event, to the millisecond: it is in the UUIDv7 of the event.

    What happened long ago (an old click that is replayed) is recorded now; an id of another kind says nothing, and
    `occurred_at` is taken.
    """
    if event.event_id.version == 7:
        return _EPOCH + timedelta(milliseconds=event.event_id.int >> 80)
    return event.occurred_at
