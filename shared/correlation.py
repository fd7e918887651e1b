"""The correlation id: it leads from an HTTP request to the logs, problems and events that the request caused."""

from contextvars import ContextVar
from uuid import UUID

# Set by `shared.http` for each request, and by consumers from each record; events carry it as `ce_correlationid`.
correlation_id: ContextVar[UUID | None] = ContextVar("correlation_id", default=None)
