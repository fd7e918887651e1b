"""What a piece of work belongs to: the id that goes from an HTTP request into logs, problems and events."""

from contextvars import ContextVar
from uuid import UUID

# Set for each request by `shared.http`, and by consumers to what the record says; events take it as `ce_correlationid`.
correlation_id: ContextVar[UUID | None] = ContextVar("correlation_id", default=None)
