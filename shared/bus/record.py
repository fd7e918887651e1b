"""A Kafka record, as aiokafka gives it (which has no types of its own), and where it comes from."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class PartitionId(NamedTuple):
    """One partition of a topic; the topic by its own name, without a prefix."""

    topic: str
    partition: int


class Record(Protocol):
    """One record of a topic's partition. Header values may be None, or any bytes."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...
