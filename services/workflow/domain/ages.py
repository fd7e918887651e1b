"""When an event happened, and whether that is too long ago for it to start anything."""

from datetime import datetime, timedelta

from services.workflow.domain.runs import ConsumedEvent
from shared.events.envelope import ContactEvent


def happened_at(event: ContactEvent) -> datetime:
    """Return when the event, or what caused it, happened."""
    caused_at: datetime | None = getattr(event, "caused_at", None)
    return event.occurred_at if caused_at is None else caused_at


def is_history(event: ContactEvent) -> bool:
    """Return True for an event that was reported as history, or follows from one: it starts nothing."""
    return bool(getattr(event, "history", None))


def may_trigger(seen: ConsumedEvent, max_age: timedelta) -> bool:
    """Return True if the event is no history, and became known within `max_age` of happening."""
    return not is_history(seen.event) and seen.recorded_at - happened_at(seen.event) <= max_age
