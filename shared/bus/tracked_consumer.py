"""aiokafka's consumer, extended with the state of records between the fetch and the handler."""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

# Without a limit aiokafka unpacks everything that a fetch has returned, compressed megabytes of each partition. With
# 300,000 waiting records it created 170,000 objects at a time, and a process used 790 MB instead of 450.
MOST_RECORDS = 2_500  # returned by one call
NO_PARTITION = TopicPartition("", 0)  # for an empty list aiokafka would return the records of all partitions


class TrackedConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """A consumer that knows whether fetched records are in flight to the handler, and which a seek made stale.

    It returns records only of the partitions that `fetchable` returns. Records of the others stay packed in aiokafka's
    buffers; if those partitions were paused, aiokafka would discard the records and fetch them again.
    """

    def __init__(self, *topics: str, fetchable: Callable[[], Iterable[TopicPartition]] = tuple, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._fetchable = fetchable
        self.in_flight = False  # records were fetched and the handler has not returned yet
        self.sought: set[TopicPartition] = set()  # seeks since the last fetch, whose records are stale
        self.polled_at = monotonic()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        self.in_flight = False
        # While it has buffered records, aiokafka returns them without suspending, and so does the handler.
        await asyncio.sleep(0)
        records: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = await super().getmany(
            NO_PARTITION, *self._fetchable(), timeout_ms=timeout_ms, max_records=MOST_RECORDS
        )
        # Nothing is awaited between here and the caller, so the handler sees every later seek.
        self.in_flight = bool(records)
        self.sought.clear()
        self.polled_at = monotonic()
        return records

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.add(partition)
        super().seek(partition, offset)
