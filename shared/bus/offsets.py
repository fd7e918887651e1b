"""Asks Kafka how far its topics go, on a connection of its own.

On a consumer's connection the question would wait behind the fetch under way, which a broker answers only after
`fetch_max_wait_ms` when there is nothing new: half a second for each look.
"""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.connection import client_options
from shared.settings import CommonSettings


class Offsets:
    """Beginnings and ends of the partitions of `topics`, by the topics' own names. Raises KafkaError."""

    def __init__(self, settings: CommonSettings, topics: Sequence[str], partitions: int) -> None:
        self._settings = settings
        self._topics = topics
        self._partitions = partitions
        self._kafka: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connects. Raises KafkaError while Kafka is away."""
        await self.stop()
        kafka = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", **client_options(self._settings)
        )
        try:
            await kafka.start()
        except BaseException:
            await kafka.stop()
            raise
        partitions = [partition for number in range(self._partitions) for partition in self.of(number).values()]
        kafka.assign(partitions)
        kafka.pause(*partitions)  # it only asks, it never reads
        self._kafka = kafka

    async def stop(self) -> None:
        """Disconnects."""
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            await kafka.stop()

    def of(self, number: int) -> dict[str, TopicPartition]:
        """The partition of each topic that has this number."""
        return {topic: TopicPartition(self._settings.topic_prefix + topic, number) for topic in self._topics}

    def _client(self) -> AIOKafkaConsumer:
        if self._kafka is None:
            raise ConnectionError("not connected to Kafka")
        return self._kafka

    async def beginnings(self, number: int) -> Mapping[str, int]:
        """The first offset of each topic's partition."""
        offsets = await self._client().beginning_offsets(list(self.of(number).values()))
        return {topic: offsets[partition] for topic, partition in self.of(number).items()}

    async def ends(self, number: int) -> Mapping[str, int]:
        """The offset after the last record of each topic's partition."""
        offsets = await self._client().end_offsets(list(self.of(number).values()))
        return {topic: offsets[partition] for topic, partition in self.of(number).items()}
