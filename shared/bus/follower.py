"""Reads topics without a group and without checkpoints, for people and programs that only observe."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.bus.connection import client_options
from shared.bus.record import Record
from shared.settings import CommonSettings

ANSWER_WITHIN = 15.0  # seconds for Kafka's first answer
ANSWERS_WITHIN = 3.0  # seconds for each later answer


class FetchedRecord(Record, Protocol):
    """A fetched record."""

    @property
    def timestamp(self) -> int: ...  # time of publishing, in milliseconds since 1970


class Follower:
    """An open reader of some topics: of `from_end` from their current ends, of `from_beginning` from their beginnings.

    Topics are named without the prefix. Entering raises ConnectionError if Kafka does not answer, and LookupError if it
    has no such topic.
    """

    def __init__(
        self, settings: CommonSettings, *, from_end: Sequence[str] = (), from_beginning: Sequence[str] = ()
    ) -> None:
        self._settings = settings
        self._from_end = tuple(from_end)
        self._from_beginning = tuple(from_beginning)
        self._partitions: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            **client_options(self._settings), enable_auto_commit=False, isolation_level="read_committed"
        )
        try:
            await asyncio.wait_for(self._open(), ANSWER_WITHIN)
        except (KafkaError, TimeoutError) as error:
            await self._consumer.stop()
            raise ConnectionError(f"Kafka at {self._settings.kafka} does not answer") from error
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._consumer.stop()
        except asyncio.CancelledError:
            # While Kafka is unavailable, aiokafka cancels its own fetch here and lets the CancelledError escape.
            # Continue unless this task itself was cancelled.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise

    async def _open(self) -> None:
        await self._consumer.start()
        self._partitions = await self._existing_partitions()
        self._consumer.assign(self._partitions)
        at_end = [partition for partition in self._partitions if self._name(partition) in self._from_end]
        at_beginning = [partition for partition in self._partitions if self._name(partition) in self._from_beginning]
        if at_end:
            ends = await self._consumer.end_offsets(at_end)
            for partition in at_end:
                self._consumer.seek(partition, ends[partition])
        if at_beginning:
            starts = await self._consumer.beginning_offsets(at_beginning)
            for partition in at_beginning:
                self._consumer.seek(partition, starts[partition])

    async def _existing_partitions(self) -> list[TopicPartition]:
        # A consumer without a subscription has no metadata of partitions.
        names = [self._settings.topic_prefix + topic for topic in (*self._from_end, *self._from_beginning)]
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        await admin.start()
        try:
            described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(names)}
        finally:
            await admin.close()
        for name in names:
            if not described.get(name):
                raise LookupError(f"Kafka at {self._settings.kafka} has no topic {name}")
        return [TopicPartition(name, partition["partition"]) for name in names for partition in described[name]]

    def _name(self, partition: TopicPartition) -> str:
        name: str = partition.topic
        return name.removeprefix(self._settings.topic_prefix)

    async def next(self, within: float = 0.2) -> list[tuple[str, FetchedRecord]]:
        """Return the next records, in order within a partition; an empty list if none arrives `within` seconds."""
        fetched = await self._consumer.getmany(timeout_ms=round(within * 1000))
        return [(self._name(partition), record) for partition, records in fetched.items() for record in records]

    async def answers(self) -> bool:
        """Return whether Kafka answers now. While it is unavailable, `next` returns an empty list."""
        try:
            await asyncio.wait_for(self._consumer.end_offsets(self._partitions[:1]), ANSWERS_WITHIN)
        except (KafkaError, TimeoutError):
            return False
        return True

    async def read_to_end(self) -> list[tuple[str, FetchedRecord]]:
        """Return all records from the current position to the current end of the topics."""
        ends = await self._consumer.end_offsets(self._partitions)
        records: list[tuple[str, FetchedRecord]] = []
        while await self._behind(ends):
            records += await self.next()
        return records

    async def _behind(self, ends: Mapping[TopicPartition, int]) -> bool:
        # Compare positions, not offsets of records: compaction and transactions leave gaps at the end too.
        for partition, end in ends.items():
            if await self._consumer.position(partition) < end:
                return True
        return False
