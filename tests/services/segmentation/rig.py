"""Processes of segmentation on a real Kafka and PostgreSQL, with a clock that the test sets."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from services.segmentation.app import build
from services.segmentation.consumers.slices import SliceHandler
from services.segmentation.settings import SegmentationSettings
from shared.bus.catalog import Catalog
from shared.bus.connection import client_options
from shared.bus.guard import check_cluster
from shared.bus.host import ConsumerHost
from shared.bus.producer import IntakeProducer
from shared.bus.publisher import Publisher
from shared.bus.relay import Relay
from shared.bus.topics import ensure_topics
from shared.criteria import Criterion, History, evaluate
from shared.events.codec import body_of, decode, headers_of
from shared.events.envelope import ContactEvent, Event
from shared.events.labeling import (
    AccountChanged,
    ApiKeyChanged,
    ContactChanged,
    ContactState,
    FieldChanged,
    LabelChanged,
    LabelState,
    Scalar,
)
from shared.events.parts import LabelReference
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.events.topics import TOPICS, partition_of
from shared.events.tracking import ContactClicked
from shared.http.app import create_app
from shared.http.keys import generate, hash_of
from shared.http.server import serve
from shared.runtime.service import Resources
from shared.store.database import Database
from shared.store.listener import listen
from tests.shared.criteria.strategies import ZONE

PARTITIONS = 4
ACCOUNT = 7
DOGS, CATS = UUID(int=1), UUID(int=2)
MESSAGE, LINK = UUID(int=11), UUID(int=21)
# Any time of day except close to midnight: clicks must not fall on the next day.
NOON = datetime(2026, 3, 20, 11, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that the test sets; each reading advances it by a microsecond, as time passes on a real clock."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


def clicked(contact_id: int, at: datetime, label: UUID = DOGS) -> ContactClicked:
    return ContactClicked(
        occurred_at=at,
        account_id=ACCOUNT,
        contact_id=contact_id,
        click_id=uuid4(),
        message_id=MESSAGE,
        link_id=LINK,
        url="https://shop.example/puppies",
        labels=(LabelReference(id=label, name="Dogs"),),
        verdict="human",
        reasons=(),
    )


def contact(contact_id: int, at: datetime, state: ContactState = "active", **fields: Scalar) -> ContactChanged:
    return ContactChanged(
        occurred_at=at,
        account_id=ACCOUNT,
        contact_id=contact_id,
        external_id=None,
        email=None,
        fields=fields,
        state=state,
        subscription="subscribed",
        tracking_consent="granted",
    )


def label(label_id: UUID, name: str, state: LabelState = "active") -> LabelChanged:
    return LabelChanged(
        occurred_at=NOON,
        account_id=ACCOUNT,
        label_id=label_id,
        label_name=name,
        description="",
        visibility="private",
        state=state,
    )


@dataclass
class Process:
    """One process: its handler, its consumer, and a client of its API."""

    handler: SliceHandler
    host: ConsumerHost
    client: httpx.AsyncClient

    async def create(self, name: str, criterion: dict[str, Any]) -> str:
        answer = await self.client.post("/v1/segments", json={"name": name, "criterion": criterion})
        assert answer.status_code == 201, answer.text
        created: str = answer.json()["id"]
        return created

    async def knows(self, contacts: int) -> bool:
        """Return whether the process knows exactly `contacts` contacts."""
        answer = await self.client.post("/v1/criteria/count", json={"criterion": {"all": []}})
        return answer.status_code == 200 and answer.json()["count"] == contacts

    async def count(self, segment_id: str) -> int | None:
        answer = await self.client.get(f"/v1/segments/{segment_id}")
        assert answer.status_code == 200, answer.text
        counted: int | None = answer.json()["count"]
        return counted


class Rig:
    """The topics and the database of one test.

    Publishes events as the services that own them would, and records the history of each contact.
    """

    def __init__(self, settings: SegmentationSettings, database: Database, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.database = database
        self.clock = Clock()
        self.key = generate()
        self.histories: dict[int, History] = defaultdict(lambda: History(ZONE))
        self._producer = producer
        self._sequence = 0
        self._sent: list[tuple[str, bytes, bytes, int, list[tuple[str, bytes]]]] = []

    async def publish(self, events: Sequence[Event]) -> None:
        """Publish events to their topics, as the services that own them would."""
        acknowledgements = []
        for event in events:
            self._sequence += 1
            headers = headers_of(
                event.type(), event.event_id, "/test", event.occurred_at, self._sequence, {}, None, None, None
            )
            number = 0
            if isinstance(event, ContactEvent):
                number = partition_of(event.account_id, event.contact_id, PARTITIONS)
                self.histories[event.contact_id].apply(event)
            self._sent.append((event.topic, event.key.encode(), body_of(event), number, headers))
            acknowledgements.append(await self._send(*self._sent[-1]))
        await asyncio.gather(*acknowledgements)

    async def publish_again(self) -> None:
        """Publish all events again, as a relay that has lost its position would."""
        await asyncio.gather(*[await self._send(*record) for record in self._sent])

    async def _send(
        self, topic: str, key: bytes, value: bytes, partition: int, headers: list[tuple[str, bytes]]
    ) -> "asyncio.Future[Any]":
        sent: asyncio.Future[Any] = await self._producer.send(
            self.settings.topic_prefix + topic, key=key, value=value, partition=partition, headers=headers
        )
        return sent

    def expected(self, criterion: Criterion) -> set[int]:
        """Return the members of a segment today, by the plain evaluation of its criterion."""
        today = self.clock().astimezone(ZONE).date()
        return {
            contact_id
            for contact_id, history in self.histories.items()
            if evaluate(criterion, history.facts(), today).truth
        }

    @asynccontextmanager
    async def process(self, name: str = "one", snapshot_seconds: float = 3600) -> AsyncIterator[Process]:
        """Run segmentation with all roles in this process.

        Leaving the context simulates a kill: open transactions are rolled back.
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = self.settings.model_copy(
            update={"segmentation_port": port, "segmentation_snapshot_seconds": snapshot_seconds}
        )
        async with AsyncExitStack() as stack:
            database = await Database.open(settings.segmentation_database.get_secret_value(), PARTITIONS)
            stack.push_async_callback(database.close)
            cluster = await check_cluster("segmentation", settings, database)
            topics = [topic.name for topic in TOPICS.values() if topic.kind == "catalog"]
            catalog = Catalog(settings, topics)
            stack.push_async_callback(catalog.stop)
            await catalog.start()
            relay = Relay(database, lambda: Publisher("segmentation", settings))
            parts = await build(
                Resources(settings, database, catalog, IntakeProducer(settings), relay), clock=self.clock
            )
            assert parts.close is not None
            stack.push_async_callback(parts.close)
            [consumer] = parts.consumers
            host = ConsumerHost(consumer, "segmentation", settings, database, cluster, name, lambda: 0, self.clock)
            app = create_app("Segmentation", catalog, database)
            app.state.service = parts.state
            for router in (*parts.internal_routers, *parts.routers):
                app.include_router(router)
            stop = asyncio.Event()
            listening = asyncio.Event()
            dsn = settings.segmentation_database.get_secret_value()
            tasks = [
                asyncio.create_task(relay.run()),
                asyncio.create_task(listen(dsn, {"events": relay.wake})),
                *(asyncio.create_task(work()) for work in parts.worker_tasks),
                asyncio.create_task(serve(app, "127.0.0.1", port, stop=stop, listening=lambda _: listening.set())),
            ]
            stack.push_async_callback(_end, stop, tasks)
            await host.start()
            stack.push_async_callback(host.stop)
            await listening.wait()
            headers = {"Authorization": f"Bearer {self.key}"}
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10)
            await stack.enter_async_context(client)
            assert isinstance(consumer.handler, SliceHandler)
            yield Process(consumer.handler, host, client)

    async def consumed(self, topic: str) -> int:
        """Return the number of records of a topic that were consumed."""
        query = "SELECT coalesce(sum(next_offset), 0) FROM checkpoints WHERE topic = $1"
        return int(await self.database.pool.fetchval(query, topic))

    async def moves(self, segment_id: str) -> list[tuple[int, bool, str]]:
        """Return the announcements of a segment in order: contact, whether it enters, and the reason."""
        return [
            (event.contact_id, isinstance(event, SegmentEntered), event.reason)
            for event in await self.read()
            if str(event.segment_id) == segment_id
        ]

    async def has_announced(self, segment_id: str, members: set[int]) -> bool:
        """Return whether exactly these contacts are members according to the announcements."""
        return await self.announced_members(segment_id) == members

    async def announced_members(self, segment_id: str) -> set[int]:
        """Return the members that a consumer of the topic derives; entries and exits must alternate."""
        members: set[int] = set()
        for contact_id, enters, _ in await self.moves(segment_id):
            assert (contact_id in members) is not enters, "announced twice, or left without having entered"
            (members.add if enters else members.remove)(contact_id)
        return members

    async def all_announced_members(self) -> dict[str, set[int]]:
        """Return the members of every segment that a consumer derives; entries and exits must alternate."""
        members: dict[str, set[int]] = {}
        for event in await self.read():
            found = members.setdefault(str(event.segment_id), set())
            enters = isinstance(event, SegmentEntered)
            assert (event.contact_id in found) is not enters, "announced twice, or left without having entered"
            (found.add if enters else found.remove)(event.contact_id)
        return members

    async def read(self) -> list[SegmentEntered | SegmentLeft]:
        """Return the events of `segmentation.memberships` by partition and sequence, without repeated ones."""
        topic = "segmentation.memberships"
        kafka = AIOKafkaConsumer(
            self.settings.topic_prefix + topic, auto_offset_reset="earliest", **client_options(self.settings)
        )
        await kafka.start()
        try:
            events: list[SegmentEntered | SegmentLeft] = []
            highest: dict[int, int] = {}
            ends = await kafka.end_offsets(list(kafka.assignment()))
            while any([await kafka.position(partition) < end for partition, end in ends.items()]):
                for partition, records in (await kafka.getmany(timeout_ms=100)).items():
                    for record in records:
                        decoded = decode(topic, record.key, record.value, dict(record.headers))
                        sequence = decoded.sequence or 0
                        if sequence > highest.get(partition.partition, 0):
                            highest[partition.partition] = sequence
                            events.append(decoded.event)
            return events
        finally:
            await kafka.stop()


async def _end(stop: asyncio.Event, tasks: Sequence["asyncio.Task[None]"]) -> None:
    stop.set()
    for task in tasks[:-1]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def make_rig(bootstrap: str, dsn: str, prefix: str) -> AsyncIterator[Rig]:
    """Create topics, and an account in Brussels with a key, two labels and a field; `dsn` names a migrated database."""
    settings = SegmentationSettings(
        kafka=bootstrap, topic_prefix=prefix, partitions=PARTITIONS, segmentation_database=SecretStr(dsn)
    )
    async with AsyncExitStack() as stack:
        await ensure_topics(settings)
        database = await Database.open(dsn, PARTITIONS)
        stack.push_async_callback(database.close)
        producer = AIOKafkaProducer(**client_options(settings))
        await producer.start()
        stack.push_async_callback(producer.stop)
        rig = Rig(settings, database, producer)
        await rig.publish(
            [
                AccountChanged(occurred_at=NOON, account_id=ACCOUNT, account_name="Shop", time_zone=ZONE.key),
                ApiKeyChanged(
                    occurred_at=NOON,
                    account_id=ACCOUNT,
                    key_id=uuid4(),
                    hash=hash_of(rig.key),
                    scopes=("read", "write"),
                    revoked=False,
                ),
                label(DOGS, "Dogs"),
                label(CATS, "Cats"),
                FieldChanged(
                    occurred_at=NOON, account_id=ACCOUNT, field_key="city", field_name="City", field_type="text"
                ),
            ]
        )
        yield rig


def day(shift: int) -> timedelta:
    return timedelta(days=shift)
