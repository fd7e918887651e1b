"""What can go wrong with Kafka or the store, told apart by what to do about it."""

from aiokafka.errors import KafkaError

from shared.store import errors


def is_passing(error: BaseException) -> bool:
    """Return whether the work may succeed when it is tried again: Kafka or PostgreSQL is away, a lock was not free."""
    return isinstance(error, KafkaError) or errors.is_passing(error)
