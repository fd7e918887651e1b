"""Types for a Kafka record as aiokafka returns it, and for the partition that it comes from."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class PartitionId(NamedTuple):
    """One partition of a topic; the topic is named without the prefix."""

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
