"""Writes intake and dead-letter topics: plain records, acknowledged one by one."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from shared.settings import CommonSettings

Headers = Sequence[tuple[str, bytes | None]]
IntakeRecord = tuple[bytes | None, bytes | None, Headers]

RECORD_BYTES = 1_000_000  # of key, value and headers; a broker accepts batches of 1,048,588 bytes, compressed
OVERHEAD = 20  # bytes of lengths around a record or a header, at most


class RecordTooLarge(ValueError):
    """A record is larger than Kafka accepts; compression is not taken into account."""


def bytes_of(record: IntakeRecord) -> int:
    """Return the maximum size of a record in bytes."""
    key, value, headers = record
    header_bytes = sum(len(name.encode()) + len(content or b"") + OVERHEAD for name, content in headers)
    return len(key or b"") + len(value or b"") + header_bytes + OVERHEAD


class IntakeProducer:
    """An idempotent producer for topics with several writers. Connects at first use, and again after an error."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def send(
        self,
        topic: str,
        records: Sequence[IntakeRecord],
        within: float = 5.0,
    ) -> None:
        """Write records (key, value, headers) and wait, for at most `within` seconds, until all are acknowledged.

        Raises KafkaError or TimeoutError; some of the records may then have been written. Raises RecordTooLarge before
        anything is written: a refusal by the broker would make the producer unusable for all its users.
        """
        for record in records:
            if (size := bytes_of(record)) > RECORD_BYTES:
                raise RecordTooLarge(f"the record has {size} bytes; the limit is {RECORD_BYTES}")
        try:
            async with asyncio.timeout(within):
                producer = await self._connected()
                name = self._settings.topic_prefix + topic
                acknowledgements = [
                    await producer.send(name, key=key, value=value, headers=list(headers))
                    for key, value, headers in records
                ]
                await asyncio.gather(*acknowledgements)
        except Exception:
            await self.stop()
            raise

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    enable_idempotence=True,
                    acks="all",
                    compression_type="lz4",
                    max_request_size=RECORD_BYTES + 20_000,
                    **client_options(self._settings),
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Close the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(2):
                    await producer.stop()
            except TimeoutError:
                await producer.client.close()
