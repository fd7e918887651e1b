"""Errors of Kafka and the store, classified by how to handle them."""

from aiokafka.errors import KafkaError

from shared.store import errors


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may succeed: Kafka or PostgreSQL is unavailable, or a lock was not free."""
    return isinstance(error, KafkaError) or errors.is_passing(error)
