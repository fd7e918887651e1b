"""What can go wrong with the store, told apart by what to do about it."""

import asyncio

import asyncpg


class Fenced(Exception):
    """Another process has moved the checkpoint: it owns the partition now."""


class EventTooLarge(ValueError):
    """An event is larger than Kafka takes."""


class Refused(Exception):
    """The service must not run on what it found; the message says why and what to do."""


# Whoever gets one of these tries again later: nothing is wrong with the work itself.
PASSING = (
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
    ConnectionError,
    OSError,
    asyncio.TimeoutError,
)
