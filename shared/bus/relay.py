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

PER_PARTITION = 2_000  # events read at once of each partition
LEASE = timedelta(seconds=5)
RENEW_EVERY = 2.0  # seconds
POLL = 1.0  # seconds; NOTIFY wakes it earlier
MEASURE_EVERY = 0.5  # seconds between measurements of the backlog while events are appended
MEASURE_AT_REST = 3.0  # seconds; NOTIFY wakes it earlier
# A round costs as much for one event as for a hundred, and wakes every consumer. So it begins this long after the
# previous one, unless that one had many events. Events that the units of two groups append at about the same time are
# then sent together.
PACE = 0.015  # seconds
SMALL = 200  # events
HOUSEKEEPING = 10.0  # seconds

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
        self._renewed = float("-inf")
        self._kept_house = float("-inf")

    @property
    def leads(self) -> bool:
        """Whether this process holds the lease, as far as it knows."""
        return monotonic() - self._renewed < LEASE.total_seconds()

    def wake(self) -> None:
        """Wake the relay: events have been appended."""
        self._wake.set()
        self._appended.set()

    async def run(self) -> None:
        """Publish for ever; wait while Kafka or PostgreSQL is unavailable."""
        try:
            while True:
                await until_it_works("relay", self._publish_while_elected, _may_start_again)
        finally:
            await self._give_up()

    async def _publish_while_elected(self) -> None:
        # After a rejected batch an idempotent producer stays out of sequence, so each attempt creates a new one.
        publisher = self._new_publisher()
        try:
            await self._elected()
            await publisher.start()
            await self._publish_on(publisher)
        finally:
            await publisher.stop()

    async def watch(self) -> None:
        """Keep `backlog` and `delay` up to date, and create partitions of the event table ahead, for ever."""
        while True:
            await until_it_works("backlog", self._look, is_passing)
            await asyncio.sleep(MEASURE_EVERY)
            if not self.backlog:
                await self._rest()

    async def _look(self) -> None:
        async with self._database.pool.acquire() as connection:
            if monotonic() - self._kept_house > HOUSEKEEPING:
                await extend_event_tables(connection)
                self._kept_house = monotonic()
            await self._measure(connection)

    async def _rest(self) -> None:
        """Wait until events are appended, or for a while: a notification may be lost."""
        await woken_within(self._appended, MEASURE_AT_REST)
        self._appended.clear()

    async def _measure(self, connection: PoolConnectionProxy) -> None:
        self.backlog = await QUERIES["backlog"].fetchval(connection)
        oldest = await QUERIES["oldest_unpublished"].fetchval(connection) if self.backlog else None
        self.delay = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
        metrics.UNPUBLISHED_EVENTS.set(self.backlog)
        metrics.UNPUBLISHED_AGE.set(self.delay)

    async def _elected(self) -> None:
        while not await self._renew():  # noqa: ASYNC110 - the lease is a row, nobody tells us
            await asyncio.sleep(RENEW_EVERY / 2)

    async def _renew(self) -> bool:
        if monotonic() - self._renewed < RENEW_EVERY:
            return True
        renewed = await QUERIES["renew_lease"].fetchval(self._database.pool, holder=self._holder, lease=LEASE)
        if renewed:
            self._renewed = monotonic()
        return bool(renewed)

    async def _give_up(self) -> None:
        self._renewed = float("-inf")
        try:
            async with asyncio.timeout(2):
                await QUERIES["give_up_lease"].execute(self._database.pool, holder=self._holder)
        except Exception as error:
            if not is_passing(error):
                raise

    async def _publish_on(self, publisher: Publisher) -> None:
        acknowledged: Moved = {}
        try:
            while await self._renew():
                self._wake.clear()
                began = monotonic()
                # The statement that reads the next events also stores the acknowledged positions: one transaction a
                # round.
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
                # Otherwise the next relay would send it again.
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
        """Send rows; return for each partition number the positions before and after."""
        done: Moved = {}
        waves = Waves(rows, PER_PARTITION)
        while wave := waves.next():
            plain, compacted = by_topic(wave)
            await publisher.publish(plain, compacted)
            for partition, (before, last) in waves.acknowledged(wave).items():
                done[partition] = (done.get(partition, (before,))[0], last)
            for topic, count in Counter(row["topic"] for row in wave).items():
                metrics.EVENTS_PUBLISHED.labels(topic).inc(count)
        return done


def _may_start_again(error: Exception) -> bool:
    return is_passing(error) and not isinstance(error, ProducerFenced)


async def published(database: Database, partition: int, position: int | None, within: float = 1.0) -> bool:
    """Wait until Kafka has acknowledged the event at `position`, for at most `within` seconds."""
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
    """Wait until Kafka has acknowledged all present events of the partition numbers, for at most `within` seconds."""
    rows = await QUERIES["last_positions"].fetch(database.pool, partitions=list(partitions))
    waits = [published(database, row["partition"], row["position"], within) for row in rows]
    return all(await asyncio.gather(*waits))
