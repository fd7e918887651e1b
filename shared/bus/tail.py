"""Reads the records of a contact topic beyond a consumer's checkpoint. The consumer may run in another process.

A consumer of an intake topic uses it to know what another consumer of the service has not applied yet.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from asyncpg.pool import PoolConnectionProxy

from shared.bus.connection import client_options
from shared.bus.offsets import Offsets
from shared.bus.record import PartitionId
from shared.events.codec import Decoded, decode
from shared.events.undecodable import Undecodable
from shared.settings import CommonSettings
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
POLL_MS = 50
FETCH_WAIT_MS = 5  # the broker's answer without new records must not delay the next fetch


class TailRecord(NamedTuple):
    """A record beyond the checkpoint."""

    partition: int
    sequence: int
    event: Any


class Read(NamedTuple):
    """The result of a call of `Tail.read`. `applied` has the highest sequence applied, by partition number."""

    applied: Mapping[int, int]
    records: list[TailRecord]


class Tail:
    """The records of `topic` that `consumer` has not applied. Each is returned once; connects at the first call."""

    def __init__(self, settings: CommonSettings, topic: str, consumer: str, version: int) -> None:
        self._settings = settings
        self._topic = topic
        self._consumer = {"consumer": consumer, "version": version, "topic": topic}
        self._parts = [PartitionId(topic, number) for number in range(settings.partitions)]
        self._offsets = Offsets(settings, self._parts, committed=True)
        self._kafka: AIOKafkaConsumer | None = None
        self._read_to: dict[int, int] = {}
        self._lock = asyncio.Lock()

    async def read(self, connection: PoolConnectionProxy) -> Read:
        """Read to the current end of the topic.

        Raises KafkaError while Kafka is unavailable. The effects of records that the consumer has applied are visible
        to later statements on `connection`.
        """
        async with self._lock:
            try:
                kafka = self._kafka or await self._connect()
                ends = await self._offsets.ends(self._parts)
                rows = await QUERIES["applied"].fetch(connection, **self._consumer)
                applied = {row["partition"]: row["sequence"] for row in rows}
                unread = self._unread({row["partition"]: row["next_offset"] for row in rows}, ends)
                records = await self._fetch(kafka, unread) if unread else []
            except BaseException:
                await self._disconnect()
                raise
            self._read_to |= {part.partition: end for part, end in ends.items()}
        not_applied = [record for record in records if record.sequence > applied.get(record.partition, 0)]
        return Read(applied, not_applied)

    async def close(self) -> None:
        """Disconnect."""
        async with self._lock:
            await self._disconnect()

    async def _connect(self) -> AIOKafkaConsumer:
        await self._offsets.start()
        kafka = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            **client_options(self._settings),
        )
        self._kafka = kafka
        await kafka.start()
        partitions = [self._offsets.of(part) for part in self._parts]
        kafka.assign(partitions)
        kafka.pause(*partitions)
        return kafka

    async def _disconnect(self) -> None:
        # Records that were read but not returned are read again.
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            await kafka.stop()
        await self._offsets.stop()

    def _unread(
        self, next_offsets: Mapping[int, int], ends: Mapping[PartitionId, int]
    ) -> dict[TopicPartition, tuple[int, int]]:
        """Return the first and the end offset of each partition that has new records."""
        unread = {}
        for part, end in ends.items():
            begin = max(self._read_to.get(part.partition, 0), next_offsets.get(part.partition, 0))
            if begin < end:
                unread[self._offsets.of(part)] = begin, end
        return unread

    async def _fetch(
        self, kafka: AIOKafkaConsumer, unread: Mapping[TopicPartition, tuple[int, int]]
    ) -> list[TailRecord]:
        for partition, (begin, _) in unread.items():
            kafka.seek(partition, begin)
        kafka.resume(*unread)
        fetched: list[TailRecord] = []
        # Positions, not offsets of records: compaction and transactions leave gaps at the end, too.
        while [partition for partition, (_, end) in unread.items() if await kafka.position(partition) < end]:
            for partition, records in (await kafka.getmany(timeout_ms=POLL_MS)).items():
                for record in records:
                    decoded = self._try_decode(record)
                    if decoded is not None:
                        fetched.append(TailRecord(partition.partition, decoded.sequence or 0, decoded.event))
        kafka.pause(*unread)
        return fetched

    def _try_decode(self, record: Any) -> Decoded | None:  # noqa: ANN401 - aiokafka has no types
        try:
            return decode(self._topic, record.key, record.value, dict(record.headers))
        except Undecodable:
            return None  # the consumer reports this itself
