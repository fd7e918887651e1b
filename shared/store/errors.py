"""Errors of the store, classified by how to handle them."""

import asyncpg


class Fenced(Exception):
    """Another process has moved the checkpoint: it owns the partition now."""


class EventTooLarge(ValueError):
    """An event is larger than Kafka accepts."""


class UnsafeToRun(Exception):
    """The service must not run; the message says why and what to do."""


# These errors are retried: they are not caused by the work itself.
_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,
    OSError,
    TimeoutError,
)


def ends_transaction(error: BaseException) -> bool:
    """Return whether a transaction cannot continue after this error."""
    return is_passing(error) or isinstance(error, asyncpg.PostgresError)


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may succeed: a server is unavailable, or a lock was not granted in time."""
    # A value that asyncpg's encoders refuse raises an InterfaceError that is also a ValueError: a retry would fail.
    return isinstance(error, _PASSING) and not isinstance(error, ValueError)
