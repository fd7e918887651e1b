"""Reads the beginnings and ends of topics, on a connection of its own.

On a consumer's connection the request would wait behind the current fetch, which a broker without new records answers
only after `fetch_max_wait_ms`: half a second for each request.
"""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.connection import client_options
from shared.bus.record import PartitionId
from shared.settings import CommonSettings


class Offsets:
    """The beginnings and ends of `parts`. Methods raise KafkaError while Kafka is unavailable.

    Ends include the records of open transactions, unless `committed` is true.
    """

    def __init__(self, settings: CommonSettings, parts: Iterable[PartitionId], *, committed: bool = False) -> None:
        self._settings = settings
        self._isolation = "read_committed" if committed else "read_uncommitted"
        self._parts = [*parts]
        self._kafka: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect. Raises KafkaError while Kafka is unavailable."""
        await self.stop()
        kafka = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=self._isolation,
            **client_options(self._settings),
        )
        try:
            await kafka.start()
        except BaseException:
            await kafka.stop()
            raise
        partitions = [self.of(part) for part in self._parts]
        kafka.assign(partitions)
        kafka.pause(*partitions)  # it reads no records
        self._kafka = kafka

    async def stop(self) -> None:
        """Disconnect."""
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            await kafka.stop()

    def of(self, part: PartitionId) -> TopicPartition:
        """Return a part as a partition of aiokafka, whose topic name includes the prefix."""
        return TopicPartition(self._settings.topic_prefix + part.topic, part.partition)

    def _client(self) -> AIOKafkaConsumer:
        if self._kafka is None:
            raise ConnectionError("not connected to Kafka")
        return self._kafka

    async def beginnings(self, parts: Iterable[PartitionId]) -> dict[PartitionId, int]:
        """Return the first offset of each part."""
        partitions = {part: self.of(part) for part in parts}
        offsets = await self._client().beginning_offsets(list(partitions.values()))
        return {part: offsets[partition] for part, partition in partitions.items()}

    async def ends(self, parts: Iterable[PartitionId]) -> dict[PartitionId, int]:
        """Return the offset after the last record of each part."""
        partitions = {part: self.of(part) for part in parts}
        offsets = await self._client().end_offsets(list(partitions.values()))
        return {part: offsets[partition] for part, partition in partitions.items()}
