"""What a piece of work belongs to: the request that caused it goes from HTTP into logs, problems, events, commits."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

# Set for each request by `shared.http`, and by consumers to what the record says; events take it as `ce_correlationid`.
correlation_id: ContextVar[UUID | None] = ContextVar("correlation_id", default=None)

# What a unit of work that appended events calls in its transaction, last of all; an exception rolls it back.
before_commit: ContextVar["Callable[[PoolConnectionProxy], Awaitable[None]] | None"] = ContextVar(
    "before_commit", default=None
)
