"""Sends rows of the event table: a batch per topic and partition at a time; compacted topics in transactions."""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from shared.bus.connection import client_options
from shared.events.codec import Header, after_of, headers_of
from shared.events.topics import CATALOG_PARTITION
from shared.settings import CommonSettings

BATCH_BYTES = 1_000_000  # a broker takes 1,048,588 by default
ACKNOWLEDGED_WITHIN = 30.0  # seconds; an idempotent send would wait for ever
NO_AFTER: Mapping[str, int] = {}


class Publisher:
    """Two producers. After any error it is of no more use: stop it and take a new one.

    The plain one is idempotent. The other one has the service's `transactional.id`: starting it fences every older
    one, so that a relay from the past cannot write to a compacted topic any more.
    """

    def __init__(self, service: str, settings: CommonSettings) -> None:
        self._service = service
        self._prefix = settings.topic_prefix
        self._settings = settings
        self._plain: AIOKafkaProducer | None = None
        self._compacted: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connects both. Raises KafkaError while Kafka is away."""
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

    async def stop(self) -> None:
        """Closes both; what was not acknowledged is sent again by whoever comes next."""
        for producer in (self._plain, self._compacted):
            if producer is not None:
                await _close(producer)
        self._plain = self._compacted = None

    async def publish(
        self, plain: Mapping[tuple[str, int], Sequence[asyncpg.Record]], compacted: Sequence[asyncpg.Record]
    ) -> None:
        """Sends all rows; returns once every one is acknowledged."""
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
            while sent < len(rows):
                row = rows[sent]
                if batch.append(
                    key=row["key"].encode(), value=row["body"], timestamp=None, headers=self._headers(row)
                ) is None:  # fmt: skip
                    break
                sent += 1
            # The next one only after the acknowledgement: at most one batch per partition is ever in doubt.
            await (await producer.send_batch(batch, self._prefix + topic, partition=partition))

    async def _send_compacted(self, rows: Sequence[asyncpg.Record]) -> None:
        producer = self._compacted
        assert producer is not None
        async with producer.transaction():
            for row in rows:
                await producer.send(
                    self._prefix + row["topic"],
                    key=row["key"].encode(),
                    value=row["body"],
                    partition=0 if row["partition"] == CATALOG_PARTITION else row["partition"],
                    headers=self._headers(row),
                )

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


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except TimeoutError:
        # Kafka is away: aiokafka would wait for acknowledgements that never come.
        await producer.client.close()
