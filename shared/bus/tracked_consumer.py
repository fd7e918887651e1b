"""aiokafka's consumer, with what must be known between a fetch and its handling."""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

# aiokafka unpacks the whole of what a fetch has brought, compressed megabytes of each partition, unless it is told when
# to stop: of 300,000 records that wait it made 170,000 objects at a time, and a process had 790 MB instead of 450.
AT_ONCE = 2_500  # records
NOBODYS = TopicPartition("", 0)  # asked for none, aiokafka would hand out all


class TrackedConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """Knows whether fetched records are on their way to the handler, and which of them a seek has made stale.

    It hands out records of the partitions that `wanted` names. Those of the others stay packed with aiokafka: if they
    were paused it would throw away what it has of them, and fetch it again.
    """

    def __init__(self, *topics: str, wanted: Callable[[], Iterable[TopicPartition]] = tuple, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._wanted = wanted
        self.in_hand = False  # records were fetched and the handler has not come back yet
        self.sought: set[TopicPartition] = set()  # seeks since the last fetch: what it brought is stale
        self.polled_at = monotonic()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        self.in_hand = False
        records: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = await super().getmany(
            NOBODYS, *self._wanted(), timeout_ms=timeout_ms, max_records=AT_ONCE
        )
        # Nothing is awaited from here to the caller: a seek that comes later is seen by the handler.
        self.in_hand = bool(records)
        self.sought.clear()
        self.polled_at = monotonic()
        return records

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.add(partition)
        super().seek(partition, offset)
