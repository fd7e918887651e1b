"""Sends rows of the event table, one batch per topic and partition at a time; compacted topics in transactions."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from itertools import islice

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from aiokafka.structs import RecordMetadata

from shared.bus.connection import client_options
from shared.bus.offsets import Offsets
from shared.bus.record import PartitionId
from shared.bus.topics import partition_count
from shared.events.codec import Header, after_of, headers_of
from shared.events.topics import CATALOG_PARTITION, owned_by
from shared.settings import CommonSettings
from shared.yielding import yielding

BATCH_BYTES = 1_000_000  # a broker accepts 1,048,588 by default
ACKNOWLEDGED_WITHIN = 30.0  # seconds; an idempotent send has no limit of its own
VISIBLE_POLL = 0.002  # seconds between checks whether a transaction can be read
NO_AFTER: Mapping[str, int] = {}


class Publisher:
    """Sends events with two producers.

    After any error it cannot be used again: stop it and create a new one. The plain producer is idempotent. The
    other one has the service's `transactional.id`: starting it fences all older ones, so that an earlier relay can no
    longer write to a compacted topic.
    """

    def __init__(self, service: str, settings: CommonSettings) -> None:
        self._service = service
        self._prefix = settings.topic_prefix
        self._settings = settings
        self._plain: AIOKafkaProducer | None = None
        self._compacted: AIOKafkaProducer | None = None
        self._filling = asyncio.Lock()
        self._visible = Offsets(settings, _compacted_parts(service, settings), committed=True)

    async def start(self) -> None:
        """Connect both producers. Raises KafkaError while Kafka is unavailable."""
        options = client_options(self._settings) | {
            "acks": "all",
            "compression_type": "zstd",
            "max_batch_size": BATCH_BYTES,
            "max_request_size": BATCH_BYTES + 20_000,
        }
        self._plain = AIOKafkaProducer(enable_idempotence=True, **options)
        self._compacted = AIOKafkaProducer(
            transactional_id=f"{self._prefix}penchant.{self._service}", transaction_timeout_ms=30_000, **options
        )
        async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
            await self._plain.start()
            await self._compacted.start()
            await self._visible.start()

    async def stop(self) -> None:
        """Close both producers. The next publisher sends unacknowledged events again."""
        for producer in (self._plain, self._compacted):
            if producer is not None:
                await _close(producer)
        self._plain = self._compacted = None
        await self._visible.stop()

    async def publish(
        self, plain: Mapping[PartitionId, Sequence[asyncpg.Record]], compacted: Sequence[asyncpg.Record]
    ) -> None:
        """Send all rows; return once each of them is acknowledged and can be read.

        Raises ProducerFenced if a newer publisher of the service has started, KafkaError or TimeoutError if Kafka is
        unavailable, and ValueError for an event that is larger than a batch.
        """
        sending = [self._send_in_order(topic, partition, rows) for (topic, partition), rows in plain.items()]
        if compacted:
            sending.append(self._send_compacted(compacted))
        async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
            errors = [error for error in await asyncio.gather(*sending, return_exceptions=True) if error is not None]
        if errors:
            raise next((error for error in errors if isinstance(error, ProducerFenced)), errors[0])

    async def _send_in_order(self, topic: str, partition: int, rows: Sequence[asyncpg.Record]) -> None:
        producer = self._plain
        assert producer is not None
        sent = 0
        while sent < len(rows):
            batch = producer.create_batch()
            # Without the lock, the batches of all partitions would be filled in one iteration of the event loop.
            async with self._filling, aclosing(yielding(islice(rows, sent, None))) as waiting:
                async for row in waiting:
                    if batch.append(
                        key=row["key"].encode(), value=row["body"], timestamp=None, headers=self._headers(row)
                    ) is None:  # fmt: skip
                        break
            if not batch.record_count():
                raise ValueError(f"{topic}: event {rows[sent]['event_id']} is larger than a batch")
            sent += batch.record_count()
            # Send the next batch only after the acknowledgement: the outcome of at most one batch per partition can be
            # unknown.
            await (await producer.send_batch(batch, self._prefix + topic, partition=partition))

    async def _send_compacted(self, rows: Sequence[asyncpg.Record]) -> None:
        producer = self._compacted
        assert producer is not None
        sent: list[tuple[PartitionId, asyncio.Future[RecordMetadata]]] = []
        async with producer.transaction():
            async for row in yielding(rows):
                part = PartitionId(row["topic"], 0 if row["partition"] == CATALOG_PARTITION else row["partition"])
                acknowledged = await producer.send(
                    self._prefix + part.topic,
                    key=row["key"].encode(),
                    value=row["body"],
                    partition=part.partition,
                    headers=self._headers(row),
                )
                acknowledged.add_done_callback(_retrieve)
                sent.append((part, acknowledged))
        await self._until_visible({part: (await acknowledged).offset + 1 for part, acknowledged in sent})

    async def _until_visible(self, ends: Mapping[PartitionId, int]) -> None:
        """Wait until the transaction can be read: Kafka confirms a commit before every partition has its marker."""
        while ends:
            visible_ends = await self._visible.ends(ends)
            ends = {part: end for part, end in ends.items() if visible_ends[part] < end}
            if ends:
                await asyncio.sleep(VISIBLE_POLL)

    def _headers(self, row: asyncpg.Record) -> list[Header]:
        return headers_of(
            row["type"],
            row["event_id"],
            f"/{self._service}",
            row["occurred_at"],
            row["position"],
            after_of(row["after"].encode()) if row["after"] else NO_AFTER,
            row["correlation_id"],
            row["causation_id"],
            row["trace"],
        )


def _retrieve(acknowledged: "asyncio.Future[RecordMetadata]") -> None:
    """Retrieve the error of a record whose transaction has failed, and ignore it: the transaction raises it already."""
    if not acknowledged.cancelled():
        acknowledged.exception()


def _compacted_parts(service: str, settings: CommonSettings) -> list[PartitionId]:
    return [
        PartitionId(topic.name, number)
        for topic in owned_by(service)
        if topic.compacted
        for number in range(partition_count(topic, settings))
    ]


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except TimeoutError:
        # Kafka is unavailable: aiokafka would wait for acknowledgements that never come.
        await producer.client.close()
