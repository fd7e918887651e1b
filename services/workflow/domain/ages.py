"""The age of an event, and whether it is too old to start runs."""

from datetime import datetime, timedelta

from services.workflow.domain.runs import ConsumedEvent
from shared.events.envelope import ContactEvent


def happened_at(event: ContactEvent) -> datetime:
    """Return when the event, or its cause, happened."""
    caused_at: datetime | None = getattr(event, "caused_at", None)
    return event.occurred_at if caused_at is None else caused_at


def is_history(event: ContactEvent) -> bool:
    """Return whether the event was reported as history, or is caused by such an event: it starts no runs."""
    return bool(getattr(event, "history", None))


def may_trigger(seen: ConsumedEvent, max_age: timedelta) -> bool:
    """Return whether the event is not history, and was recorded within `max_age` of the time at which it happened."""
    return not is_history(seen.event) and seen.recorded_at - happened_at(seen.event) <= max_age
