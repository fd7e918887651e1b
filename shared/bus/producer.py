"""Writes intake and dead-letter topics: plain records, acknowledged one by one."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from shared.settings import CommonSettings

Headers = Sequence[tuple[str, bytes | None]]


class IntakeProducer:
    """An idempotent producer for topics that several write. Connects at first use, and anew after an error."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def send(
        self,
        topic: str,
        records: Sequence[tuple[bytes | None, bytes | None, Headers]],
        within: float = 5.0,
    ) -> None:
        """Writes records (key, value, headers) and waits until all are acknowledged, `within` seconds at most.

        Raises KafkaError or TimeoutError; any of the records may have been written then.
        """
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
                    enable_idempotence=True, acks="all", compression_type="lz4", **client_options(self._settings)
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Closes the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(2):
                    await producer.stop()
            except TimeoutError:
                await producer.client.close()
