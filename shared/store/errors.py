"""Errors of the store, classified by how to handle them."""

import asyncpg


class Fenced(Exception):
    """Another process has moved the checkpoint: it owns the partition now."""


class EventTooLarge(ValueError):
    """An event is larger than Kafka takes."""


class UnsafeToRun(Exception):
    """The service must not run on what it found; the message says why and what to do."""


# These errors are retried: nothing is wrong with the work itself.
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
    """Return whether a transaction in which this happened cannot go on."""
    return is_passing(error) or isinstance(error, asyncpg.PostgresError)


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may succeed: a server is away, or a lock was not granted in time."""
    # What asyncpg's encoders refuse is an InterfaceError too, but a ValueError besides: the value is wrong.
    return isinstance(error, _PASSING) and not isinstance(error, ValueError)
