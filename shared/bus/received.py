"""A record as a handler receives it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from shared.bus.record import Record
from shared.events.codec import Decoded


class Received:
    """A decoded record of a batch, with the record itself.

    `topic` is the topic's name without the prefix. `event` is a model of `shared.events`, an intake report, or a
    `shared.events.codec.Tombstone`. `event_id` is `ce_id` (for our own topics the UUID of the event, as text), `source`
    is `ce_source`; `sequence` is None for intake records. `held_since` says when the record was first held, if it was.
    """

    __slots__ = (
        "after",
        "causation_id",
        "consumer",
        "correlation_id",
        "event",
        "event_id",
        "held_id",
        "held_since",
        "occurred_at",
        "offset",
        "partition",
        "record",
        "sequence",
        "source",
        "topic",
        "trace",
    )

    def __init__(self, consumer: str, topic: str, record: Record, decoded: Decoded) -> None:
        self.consumer = consumer
        self.topic = topic
        self.record = record
        self.partition: int = record.partition
        self.offset: int = record.offset
        self.event: Any
        self.event_id: str
        self.source: str
        self.occurred_at: datetime | None
        self.sequence: int | None
        self.after: Mapping[str, int]
        self.correlation_id: str | None
        self.causation_id: str | None
        self.trace: str | None
        (
            self.event,
            self.event_id,
            self.source,
            self.occurred_at,
            self.sequence,
            self.after,
            self.correlation_id,
            self.causation_id,
            self.trace,
        ) = decoded
        self.held_since: datetime | None = None
        self.held_id: int | None = None

    @property
    def key(self) -> bytes | None:
        """The Kafka key, unchanged."""
        return self.record.key

    @property
    def value(self) -> bytes | None:
        """The Kafka value, unchanged."""
        return self.record.value

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The Kafka headers, unchanged."""
        return self.record.headers


def by_partition(batch: Sequence[Received]) -> Iterator[tuple[int, Sequence[Received]]]:
    """Return the records of each partition number of a batch of contact topics, in their order."""
    for partition, records in groupby(batch, key=attrgetter("partition")):
        yield partition, list(records)
