"""Ids that follow from what they stand for, and when an event was recorded."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from shared.events.envelope import Event

_RUNS = UUID("6f0f9c0e-4f53-5d55-9d4e-6b1f6f5f5b7a")


def run_id(workflow_id: UUID, account_id: int, contact_id: int, triggering_event: UUID) -> UUID:
    """The run that this event starts for this contact: the same however often the event is seen."""
    return uuid5(_RUNS, f"{workflow_id}/{account_id}:{contact_id}/{triggering_event}")


def idempotency_key(run: UUID, step_id: str) -> str:
    """The key of the message that a step of a run asks for; a run takes a step at most once."""
    return f"{run}:{step_id}"


def recorded_at(event: Event) -> datetime:
    """When its service recorded the event, to the millisecond: it is in the UUIDv7 of the event.

    What happened long ago (an old click that is replayed) is recorded now; an id of another kind says nothing, and
    `occurred_at` is taken.
    """
    if event.event_id.version == 7:
        return datetime.fromtimestamp((event.event_id.int >> 80) / 1000, UTC)
    return event.occurred_at
