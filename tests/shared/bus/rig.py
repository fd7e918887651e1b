"""A small service on a real Kafka and PostgreSQL: it counts clicks, and assigns a label to contacts who click."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from shared.bus.catalog import Catalog
from shared.bus.connection import client_options
from shared.bus.guard import check_cluster
from shared.bus.handler import Consumer, Handler
from shared.bus.host import ConsumerHost
from shared.bus.publisher import Publisher
from shared.bus.received import Received
from shared.bus.relay import QUERIES, Relay
from shared.bus.topics import ensure_topics
from shared.events.codec import body_of, headers_of
from shared.events.envelope import Event
from shared.events.labeling import LabelAssigned
from shared.events.parts import LabelReference, Origin
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from shared.settings import CommonSettings
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork
from tests.stack.topics import read_topic

DOGS = UUID("0194f000-0000-7000-8000-000000000001")
PARTITIONS = 4

COUNTS = """
CREATE TABLE counts (account_id integer, contact_id bigint, clicks integer, PRIMARY KEY (account_id, contact_id))
"""
COUNT = """
INSERT INTO counts
SELECT account_id, contact_id, count(*) FROM unnest($1::integer[], $2::bigint[]) AS click (account_id, contact_id)
GROUP BY account_id, contact_id
ON CONFLICT (account_id, contact_id) DO UPDATE SET clicks = counts.clicks + excluded.clicks
RETURNING account_id, contact_id, xmax = 0 AS first
"""


class Counting(Handler):
    """Counts clicks per contact, and assigns the label Dogs at the first one; fails on the contacts in `poisoned`."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Received]] = []
        self.poisoned: set[int] = set()

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        self.batches.append(batch)
        clicks = [received for received in batch if isinstance(received.event, ContactClicked)]
        if any(click.event.contact_id in self.poisoned for click in clicks):
            raise ZeroDivisionError("poisoned")
        rows = await work.connection.fetch(
            COUNT, [click.event.account_id for click in clicks], [click.event.contact_id for click in clicks]
        )
        causes = {click.event.contact_id: click for click in reversed(clicks)}
        for row in rows:
            if row["first"]:
                cause = causes[row["contact_id"]]
                work.append(assigned(row["contact_id"], cause.event.click_id), cause=cause)


def assigned(contact_id: int, click_id: UUID) -> LabelAssigned:
    return LabelAssigned(
        occurred_at=datetime.now(UTC),
        account_id=1,
        contact_id=contact_id,
        label_id=DOGS,
        label_name="Dogs",
        origin=Origin(kind="click", click_id=click_id),
    )


def clicked(contact_id: int) -> ContactClicked:
    return ContactClicked(
        occurred_at=datetime.now(UTC),
        account_id=1,
        contact_id=contact_id,
        click_id=uuid4(),
        message_id=uuid4(),
        link_id=uuid4(),
        url="https://shop.example/puppies",
        labels=(LabelReference(id=DOGS, name="Dogs"),),
        verdict="human",
        reasons=(),
    )


class Rig:
    """The topics and the database of one test; publishes clicks as tracking would, and starts workers."""

    def __init__(self, settings: CommonSettings, dsn: str, database: Database, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.dsn = dsn
        self.database = database
        self.cluster = ""
        self._producer = producer
        self._sequence = 0

    async def publish(self, events: Sequence[Event], sequence: int | None = None, **changes: Any) -> None:
        """Write events to their topics, as the service that owns them would."""
        futures = []
        for event in events:
            self._sequence = self._sequence + 1 if sequence is None else sequence
            headers = headers_of(
                event.type(), event.event_id, "/test", event.occurred_at, self._sequence, changes.get("after", {}),
                None, None, changes.get("traceparent"),
            )  # fmt: skip
            contact_id = getattr(event, "contact_id", None)
            number = 0 if contact_id is None else partition_of(1, contact_id, PARTITIONS)
            futures.append(
                await self._producer.send(
                    self.settings.topic_prefix + event.topic, key=event.key.encode(), value=body_of(event),
                    partition=number, headers=headers,
                )
            )  # fmt: skip
        await asyncio.gather(*futures)

    async def send(self, topic: str, key: bytes | None, value: bytes | None, partition: int, headers: Any) -> None:
        """Write a record without changing it."""
        await self._producer.send_and_wait(
            self.settings.topic_prefix + topic, key=key, value=value, partition=partition, headers=headers
        )

    @asynccontextmanager
    async def worker(
        self,
        handler: Handler,
        name: str = "one",
        topics: tuple[str, ...] = ("tracking.clicks",),
        version: int = 1,
        catalog: Catalog | None = None,
    ) -> AsyncIterator[ConsumerHost]:
        """Run the consumer of a worker process in this process."""
        consumer = Consumer("counting", topics, handler, version)
        host = ConsumerHost(
            consumer, "labeling", self.settings, self.database, self.cluster, name, lambda: 0, catalog=catalog
        )
        await host.start()
        try:
            yield host
        finally:
            await host.stop()

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[Relay]:
        """Run the relay of a worker process in this process."""
        relay = Relay(self.database, lambda: Publisher("labeling", self.settings))
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def counts(self) -> dict[int, int]:
        rows = await self.database.pool.fetch("SELECT contact_id, clicks FROM counts")
        return {row["contact_id"]: row["clicks"] for row in rows}

    async def has_counted(self, total: int) -> bool:
        """Return whether the consumer has counted `total` clicks."""
        return sum((await self.counts()).values()) == total

    async def append(self, contacts: Sequence[int]) -> int:
        """Append a LabelAssigned for each contact, in its own unit of work; return the last position."""
        position = 0
        for contact in contacts:
            async with self.database.unit_of_work(partition_of(1, contact, PARTITIONS)) as work:
                work.append(assigned(contact, uuid4()))
            position = work.position or 0
        return position

    async def all_published(self) -> bool:
        """Return whether the relay has published all events."""
        backlog: int = await QUERIES["backlog"].fetchval(self.database.pool)
        return backlog == 0

    async def read(self, topic: str) -> list[Any]:
        """Return all committed records of a topic, partition by partition."""
        return await read_topic(self.settings, topic)


@asynccontextmanager
async def make_rig(bootstrap: str, dsn: str, prefix: str) -> AsyncIterator[Rig]:
    """Create the topics, and the table of counts in the migrated database at `dsn`."""
    settings = CommonSettings(kafka=bootstrap, topic_prefix=prefix, partitions=PARTITIONS)
    async with AsyncExitStack() as stack:
        await ensure_topics(settings)
        database = await Database.open(dsn, PARTITIONS)
        stack.push_async_callback(database.close)
        async with database.pool.acquire() as connection:
            await connection.execute(COUNTS)
        producer = AIOKafkaProducer(**client_options(settings))
        await producer.start()
        stack.push_async_callback(producer.stop)
        rig = Rig(settings, dsn, database, producer)
        rig.cluster = await check_cluster("labeling", settings, database)
        yield rig
