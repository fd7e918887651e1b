"""What a piece of work belongs to: the request that caused it goes from HTTP into logs, problems, events, commits."""

from contextvars import ContextVar
from uuid import UUID

# Set for each request by `shared.http`, and by consumers to what the record says; events take it as `ce_correlationid`.
correlation_id: ContextVar[UUID | None] = ContextVar("correlation_id", default=None)
