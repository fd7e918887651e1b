"""aiokafka's consumer, with what must be known between a fetch and its handling."""

from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition


class TrackedConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """Knows whether fetched records are on their way to the handler, and which of them a seek has made stale."""

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self.in_hand = False  # records were fetched and the handler has not come back yet
        self.sought: set[TopicPartition] = set()  # seeks since the last fetch: what it brought is stale
        self.polled_at = monotonic()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        self.in_hand = False
        records: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = await super().getmany(
            *partitions, timeout_ms=timeout_ms, max_records=max_records
        )
        # Nothing is awaited from here to the caller: a seek that comes later is seen by the handler.
        self.in_hand = bool(records)
        self.sought.clear()
        self.polled_at = monotonic()
        return records

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.add(partition)
        super().seek(partition, offset)
