"""Writes an intake topic: records of concurrent requests are sent as one batch at a time.

One `send` per record costs a future and a task switch each; a batch costs them once (measured: 13,600 records/s against
23,000 to 29,000, one process, two cores). A record is written at least once: readers of the topic recognise duplicates
by `ce_id`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from shared.bus.errors import is_passing
from shared.events.codec import Header
from shared.retrying import Pauses
from shared.settings import CommonSettings
from shared.waking import woken_within

log = structlog.get_logger()

BATCH_BYTES = 500_000
CHECK_INTERVAL = 0.05  # seconds between checks of how long the oldest record has waited
STALLED = 0.1  # seconds later than planned: the event loop was blocked, so Kafka need not be slow
# A batch of one record costs Kafka and every consumer as much as a batch of ten. So the next batch begins this much
# later than the previous one, unless slightly more records wait than that one had. If acknowledgements take longer than
# that, clients that were just answered get MOMENT to send their next request. Without this, concurrent requests would
# settle into two alternating batches.
PACE, MOMENT, FEW = 0.005, 0.002, 4  # seconds, seconds, records
REQUEST_TIMEOUT_MS = 5_000  # after which aiokafka drops a batch


class Collectable(Protocol):
    """An item that can be collected; its record has no key."""

    @property
    def value(self) -> bytes: ...
    def headers(self) -> Sequence[Header]: ...


Item = TypeVar("Item", bound=Collectable)
Result = TypeVar("Result")


class Waiting(NamedTuple, Generic[Item, Result]):
    """A collected item, and the future of its caller: `future` gets `result` once the record is safe."""

    item: Item
    future: asyncio.Future[Result]
    result: Result
    since: float  # monotonic

    def safe(self) -> None:
        """Resolve the future: the record can no longer be lost."""
        if not self.future.done():
            self.future.set_result(self.result)


class Collector(Generic[Item, Result]):
    """Collects records for one topic whose records may be in any partition.

    A record that has waited `patience` seconds goes to `give_up` instead. Every later record then goes to `give_up` at
    once, until Kafka has acknowledged the records in flight. A record that was given up may still have been written.
    Time in which the event loop was blocked does not count. `add` never waits and never raises.
    """

    def __init__(
        self,
        settings: CommonSettings,
        topic: str,
        give_up: Callable[[Sequence[Waiting[Item, Result]]], None],
        patience: float = 0.25,
    ) -> None:
        self.accepting = False  # whether Kafka acknowledges in time, as far as is known
        self._settings = settings
        self._topic = settings.topic_prefix + topic
        self._give_up = give_up
        self._patience = patience
        self._pending: deque[Waiting[Item, Result]] = deque()
        self._sending: list[Waiting[Item, Result]] = []
        self._wake = asyncio.Event()
        self._enough_pending = asyncio.Event()
        self._enough = FEW
        self._next_partition = 0
        self._patient_since = 0.0  # monotonic; waits that began earlier count from this time

    async def run(self) -> None:
        """Connect and send until cancelled. Records that are added while this does not run go to `give_up`."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run())
                group.create_task(self._watch())
        finally:
            self._refuse()

    def add(self, item: Item, future: asyncio.Future[Result], result: Result) -> None:
        """Take an item; `future` gets `result` when its record is acknowledged."""
        waiting = Waiting(item, future, result, monotonic())
        if not self.accepting:
            self._give_up([waiting])
            return
        self._pending.append(waiting)
        self._wake.set()
        if len(self._pending) >= self._enough:
            self._enough_pending.set()

    async def _run(self) -> None:
        pauses = Pauses()
        while True:
            producer = AIOKafkaProducer(
                acks="all",
                linger_ms=0,
                max_batch_size=BATCH_BYTES,
                **client_options(self._settings) | {"request_timeout_ms": REQUEST_TIMEOUT_MS},
            )
            try:
                await producer.start()
                partitions = sorted(await producer.partitions_for(self._topic))
                while True:
                    # Nothing is in flight, so assume that Kafka keeps up again. Only an acknowledged batch could show
                    # it, and no batch is sent while Kafka counts as slow.
                    self.accepting = True
                    if not self._pending:
                        self._wake.clear()
                        await self._wake.wait()
                    self._next_partition += 1
                    began = monotonic()
                    sent = await self._send(producer, partitions[self._next_partition % len(partitions)])
                    pauses.reset()
                    await self._wait_for_more(max(began + PACE - monotonic(), MOMENT), max(sent, FEW))
            except Exception as error:
                log.warning(
                    "Kafka does not accept records", topic=self._topic, error=type(error).__name__,
                    exc_info=None if is_passing(error) else error,
                )  # fmt: skip
            finally:
                self._refuse()
                await _close(producer)
            await asyncio.sleep(pauses.after_failure())

    async def _wait_for_more(self, most: float, enough: int) -> None:
        """Wait until `enough` records are pending, for at most `most` seconds."""
        if len(self._pending) < enough:
            self._enough = enough
            self._enough_pending.clear()
            await woken_within(self._enough_pending, most)

    async def _send(self, producer: AIOKafkaProducer, partition: int) -> int:
        batch = producer.create_batch()
        pending, sending = self._pending, self._sending
        while pending:
            item = pending[0].item
            if batch.append(key=None, value=item.value, timestamp=None, headers=item.headers()) is None:
                break
            sending.append(pending.popleft())
        if not sending:
            return 0
        sent = len(sending)
        acknowledged = await producer.send_batch(batch, self._topic, partition=partition)
        await acknowledged
        for waiting in sending:
            waiting.safe()
        sending.clear()
        return sent

    async def _watch(self) -> None:
        while True:
            planned = monotonic() + CHECK_INTERVAL
            await asyncio.sleep(CHECK_INTERVAL)
            now = monotonic()
            if now - planned > STALLED:
                self._patient_since = now
            oldest = self._sending or self._pending
            if oldest and now - max(oldest[0].since, self._patient_since) > self._patience:
                self._refuse()

    def _refuse(self) -> None:
        """Refuse records until those in flight are acknowledged, so that no caller waits for Kafka."""
        self.accepting = False
        waiting = [*self._sending, *self._pending]
        self._sending.clear()
        self._pending.clear()
        if waiting:
            self._give_up(waiting)


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(2):
            await producer.stop()
    except TimeoutError:
        # aiokafka would wait for acknowledgements that never come.
        await producer.client.close()
