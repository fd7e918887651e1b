"""The relay: publishes the event table to Kafka in order, until everything is acknowledged."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import uuid4

import asyncpg
import structlog
from aiokafka.errors import ProducerFenced
from asyncpg.pool import PoolConnectionProxy

from shared import metrics
from shared.bus.errors import is_passing
from shared.bus.publisher import Publisher
from shared.bus.waves import Waves, by_topic
from shared.retrying import until_it_works
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from shared.store.queries import queries_of
from shared.waking import woken_within

log = structlog.get_logger()

QUERIES = queries_of(__file__)

PER_PARTITION = 2_000  # events read at once of each partition number
LEASE = timedelta(seconds=5)
RENEW_EVERY = 2.0  # seconds
POLL = 1.0  # seconds; NOTIFY wakes it earlier
MEASURE_EVERY = 0.5  # seconds between measurements of the backlog while events are appended
MEASURE_IDLE_EVERY = 3.0  # seconds while there is no backlog; NOTIFY wakes it earlier
# A round costs as much for one event as for a hundred, and wakes every consumer. So it begins this long after the
# previous one, unless that one had many events. Events that the units of two groups append at about the same time are
# then sent together.
PACE = 0.015  # seconds
SMALL = 200  # events
HOUSEKEEPING_EVERY = 10.0  # seconds

Moved = dict[int, tuple[int, int]]  # by partition number: the position before, and the last one acknowledged


class Relay:
    """Publishes one service's events. Every worker process runs a relay, but only the holder of a lease publishes.

    `backlog` is the number of events not yet published, never too low. `run` raises ProducerFenced if a newer relay has
    taken over the compacted topics; the process must then end.
    """

    def __init__(self, database: Database, publisher: Callable[[], Publisher]) -> None:
        self.backlog = 0
        self.delay = 0.0  # seconds since the oldest unpublished event was written
        self._database = database
        self._new_publisher = publisher
        self._holder = uuid4()
        self._wake = asyncio.Event()
        self._appended = asyncio.Event()
        self._renewed_at = float("-inf")
        self._housekeeping_at = float("-inf")

    @property
    def leads(self) -> bool:
        """Whether this process holds the lease, as far as it knows."""
        return monotonic() - self._renewed_at < LEASE.total_seconds()

    def wake(self) -> None:
        """Wake the relay: events have been appended."""
        self._wake.set()
        self._appended.set()

    async def run(self) -> None:
        """Publish until cancelled; wait while Kafka or PostgreSQL is unavailable."""
        try:
            while True:
                await until_it_works("relay", self._publish_with_lease, _is_retryable)
        finally:
            await self._release_lease()

    async def _publish_with_lease(self) -> None:
        # After a rejected batch an idempotent producer stays out of sequence, so each attempt creates a new one.
        publisher = self._new_publisher()
        try:
            await self._wait_for_lease()
            await publisher.start()
            await self._publish_in_rounds(publisher)
        finally:
            await publisher.stop()

    async def watch(self) -> None:
        """Keep `backlog` and `delay` up to date, and create partitions of the event table ahead, until cancelled."""
        while True:
            await until_it_works("backlog", self._refresh, is_passing)
            await asyncio.sleep(MEASURE_EVERY)
            if not self.backlog:
                await self._wait_for_events()

    async def _refresh(self) -> None:
        async with self._database.pool.acquire() as connection:
            if monotonic() - self._housekeeping_at > HOUSEKEEPING_EVERY:
                await extend_event_tables(connection)
                self._housekeeping_at = monotonic()
            await self._measure(connection)

    async def _wait_for_events(self) -> None:
        """Wait until events are appended, but not for long: a notification may be lost."""
        await woken_within(self._appended, MEASURE_IDLE_EVERY)
        self._appended.clear()

    async def _measure(self, connection: PoolConnectionProxy) -> None:
        self.backlog = await QUERIES["backlog"].fetchval(connection)
        oldest = await QUERIES["oldest_unpublished"].fetchval(connection) if self.backlog else None
        self.delay = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
        metrics.UNPUBLISHED_EVENTS.set(self.backlog)
        metrics.UNPUBLISHED_AGE.set(self.delay)

    async def _wait_for_lease(self) -> None:
        while not await self._renew():  # noqa: ASYNC110 - the lease is a row, without a notification
            await asyncio.sleep(RENEW_EVERY / 2)

    async def _renew(self) -> bool:
        if monotonic() - self._renewed_at < RENEW_EVERY:
            return True
        renewed = await QUERIES["renew_lease"].fetchval(self._database.pool, holder=self._holder, lease=LEASE)
        if renewed:
            self._renewed_at = monotonic()
        return bool(renewed)

    async def _release_lease(self) -> None:
        self._renewed_at = float("-inf")
        try:
            async with asyncio.timeout(2):
                await QUERIES["give_up_lease"].execute(self._database.pool, holder=self._holder)
        except Exception as error:
            if not is_passing(error):
                raise

    async def _publish_in_rounds(self, publisher: Publisher) -> None:
        acknowledged: Moved = {}
        try:
            while await self._renew():
                self._wake.clear()
                began = monotonic()
                # The statement that reads the next events also stores the acknowledged positions, so that a round needs
                # only one transaction.
                rows = await self._advance_and_read(acknowledged)
                acknowledged = {}
                if rows:
                    acknowledged = await self._publish(publisher, rows)
                    if len(rows) < SMALL:
                        await asyncio.sleep(max(0.0, began + PACE - monotonic()))
                    continue
                await woken_within(self._wake, POLL)
        finally:
            if acknowledged:
                # Otherwise the next relay would send these events again.
                async with asyncio.timeout(2):
                    await self._advance_and_read(acknowledged, per_partition=0)

    async def _advance_and_read(
        self, acknowledged: Moved, per_partition: int = PER_PARTITION
    ) -> Sequence[asyncpg.Record]:
        return await QUERIES["advance_and_read"].fetch(
            self._database.pool,
            partitions=list(acknowledged),
            expected=[before for before, _ in acknowledged.values()],
            positions=[last for _, last in acknowledged.values()],
            most=per_partition,
        )

    async def _publish(self, publisher: Publisher, rows: Sequence[asyncpg.Record]) -> Moved:
        """Send rows; return the positions before and after, by partition number."""
        moved: Moved = {}
        waves = Waves(rows, PER_PARTITION)
        while wave := waves.next():
            plain, compacted = by_topic(wave)
            await publisher.publish(plain, compacted)
            for partition, (before, last) in waves.acknowledged(wave).items():
                moved[partition] = (moved.get(partition, (before,))[0], last)
            for topic, count in Counter(row["topic"] for row in wave).items():
                metrics.EVENTS_PUBLISHED.labels(topic).inc(count)
        return moved


def _is_retryable(error: Exception) -> bool:
    return is_passing(error) and not isinstance(error, ProducerFenced)


async def published(database: Database, partition: int, position: int | None, within: float = 1.0) -> bool:
    """Wait, at most `within` seconds, until Kafka has acknowledged the event at `position`; return whether it has."""
    if position is None:
        return True
    deadline = monotonic() + within
    while monotonic() < deadline:
        reached = await QUERIES["published_position"].fetchval(database.pool, partition=partition)
        if reached is not None and reached >= position:
            return True
        await asyncio.sleep(0.01)
    return False


async def published_so_far(database: Database, partitions: Collection[int], within: float = 1.0) -> bool:
    """Wait, at most `within` seconds, until Kafka has acknowledged all present events of the partition numbers; return
    whether it has."""
    rows = await QUERIES["last_positions"].fetch(database.pool, partitions=list(partitions))
    waits = [published(database, row["partition"], row["position"], within) for row in rows]
    return all(await asyncio.gather(*waits))
