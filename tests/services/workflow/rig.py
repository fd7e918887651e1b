"""The workflow service on a real Kafka and PostgreSQL; the test publishes the events of the other services."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import structlog
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from services.workflow.app import SERVICE, build
from services.workflow.consumers.handler import TOPICS, WorkflowHandler
from services.workflow.settings import WorkflowSettings
from services.workflow.use_cases.service import WorkflowService
from shared.bus.catalog import Catalog
from shared.bus.connection import client_options
from shared.bus.guard import check_cluster
from shared.bus.handler import Consumer
from shared.bus.host import ConsumerHost
from shared.bus.producer import IntakeProducer
from shared.bus.publisher import Publisher
from shared.bus.relay import Relay
from shared.bus.topics import ensure_topics
from shared.events.codec import body_of, decode, headers_of
from shared.events.envelope import CatalogEvent, Event
from shared.events.labeling import AccountChanged, ApiKeyChanged, FieldChanged, LabelChanged
from shared.events.segmentation import SegmentChanged
from shared.events.topics import partition_of
from shared.events.tracking import MessageChanged, MessageLink
from shared.http.app import create_app
from shared.http.keys import generate, hash_of
from shared.runtime.service import Resources
from shared.store.database import Database
from shared.store.listener import listen
from tests.services.workflow.events import CATS, DOGS, GUIDE, LINK, OFFER, REGULARS, now
from tests.stack.topics import read_topic
from tests.stack.waiting import until

PARTITIONS = 3
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # hides the logs of requests
DEADLINE = 30.0  # seconds


class Clock:
    """The clock of consumers, which a test can advance."""

    def __init__(self) -> None:
        self.ahead = datetime.now(UTC) - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Rig:
    """Publishes the events of other services, reads the events of workflow, and calls its API as account 1."""

    def __init__(
        self, settings: WorkflowSettings, database: Database, producer: AIOKafkaProducer, cluster: str
    ) -> None:
        self.settings = settings
        self.database = database
        self.producer = producer
        self.cluster = cluster
        self.clock = Clock()
        self.key = generate()
        self.http: httpx.AsyncClient
        self.relay: Relay
        self.service: WorkflowService
        self.catalog: Catalog
        self._sequences: dict[str, int] = {}
        self.sent: dict[tuple[str, int], int] = {}

    async def publish(
        self,
        *events: Event,
        after: Mapping[str, int] | None = None,
        causation: UUID | str | None = None,
        correlation: UUID | str | None = None,
    ) -> None:
        """Publish events to their topics, as the services that own them would."""
        acknowledged = [
            await self.send(event, self.next_sequence(event.topic), after or {}, causation, correlation)
            for event in events
        ]
        await asyncio.gather(*acknowledged)

    def next_sequence(self, topic: str) -> int:
        self._sequences[topic] = self._sequences.get(topic, 0) + 1
        return self._sequences[topic]

    async def send(
        self,
        event: Event,
        sequence: int,
        after: Mapping[str, int],
        causation: UUID | str | None = None,
        correlation: UUID | str | None = None,
    ) -> Any:
        """Publish one event with a sequence that the test chooses."""
        headers = headers_of(
            event.type(), event.event_id, "/test", event.occurred_at, sequence, after,
            str(correlation or event.event_id), None if causation is None else str(causation), None,
        )  # fmt: skip
        contact, account = getattr(event, "contact_id", None), getattr(event, "account_id", 1)
        partition = 0 if contact is None else partition_of(account, contact, PARTITIONS)
        self.sent[event.topic, partition] = max(sequence, self.sent.get((event.topic, partition), 0))
        return await self.producer.send(
            self.settings.topic_prefix + event.topic,
            key=event.key.encode(),
            value=body_of(event),
            partition=partition,
            headers=headers,
        )

    async def shop(self) -> None:
        """Publish account 1 with two labels, two messages, a field and a segment."""
        catalog: list[CatalogEvent] = [
            AccountChanged(occurred_at=now(), account_id=1, account_name="Shop", time_zone="Europe/Brussels"),
            *(label(one) for one in (DOGS, CATS)),
            *(message(one) for one in (GUIDE, OFFER)),
            FieldChanged(occurred_at=now(), account_id=1, field_key="city", field_name="City", field_type="text"),
            segment({"clicks": {"label": str(DOGS), "at_least": 3}}),
        ]
        await self.publish(*catalog)
        await self.catalog.refresh(5)

    @asynccontextmanager
    async def worker(self, name: str = "one", projection: int | None = None) -> AsyncIterator[ConsumerHost]:
        """Run a worker's consumer in this process. A restart with another name waits for the old session to expire."""
        projection = projection or self.settings.workflow_projection
        handler = WorkflowHandler(self.service.catalogs, projection, self.clock)
        self.catalog.on_change(handler.changed)
        consumer = Consumer("workflow", TOPICS, handler, version=projection)
        host = ConsumerHost(
            consumer, "workflow", self.settings, self.database, self.cluster, name, lambda: 0, self.clock
        )
        await host.start()
        try:
            yield host
        finally:
            await host.stop()

    async def call(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """Call the API and check the status."""
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def workflow(self, *steps: dict[str, Any], activate: bool = True, **definition: object) -> dict[str, Any]:
        """Create a workflow on the label Dogs, and activate it."""
        body = {
            "name": "Dog lovers",
            "triggers": [{"on": "LabelAssigned", "label": str(DOGS)}],
            "steps": list(steps),
        } | definition
        made: dict[str, Any] = await self.call("POST", "/v1/workflows", body, 201)
        if activate:
            made = await self.call("POST", f"/v1/workflows/{made['id']}/activate")
        return made

    async def runs(self, workflow: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the workflow's runs, oldest first."""
        found = await self.call("GET", f"/v1/workflows/{workflow['id']}/runs?limit=1000")
        runs: list[dict[str, Any]] = found["items"][::-1]
        return runs

    async def run(self, workflow: dict[str, Any], state: str, contact: int = 7) -> dict[str, Any]:
        """Wait until the contact's newest run is in this state, and return its details."""

        async def look() -> dict[str, Any] | None:
            mine = [run for run in await self.runs(workflow) if run["contact_id"] == contact]
            return mine[-1] if mine and mine[-1]["state"] == state else None

        found = await until(look)
        detail: dict[str, Any] = await self.call("GET", f"/v1/runs/{found['id']}")
        return detail

    async def read(self, topic: str) -> list[Any]:
        """Return all committed events of a topic, partition by partition."""
        return [decode(topic, record.key, record.value, dict(record.headers)) for record in await self.records(topic)]

    async def records(self, topic: str) -> list[Any]:
        """Return all records of a topic."""
        return await read_topic(self.settings, topic)

    async def consumed(self) -> None:
        """Wait until the consumer has applied all events published so far."""

        async def reached() -> bool:
            rows = await self.database.pool.fetch(
                "SELECT topic, partition, sequence FROM checkpoints WHERE consumer = 'workflow'"
            )
            applied = {(row["topic"], row["partition"]): row["sequence"] for row in rows}
            return all(applied.get(where, 0) >= sent for where, sent in self.sent.items() if where[0] in TOPICS)

        await until(reached)


class SignallingPublisher(Publisher):
    """A publisher that signals when it has started."""

    def __init__(self, settings: WorkflowSettings, ready: asyncio.Event) -> None:
        super().__init__("workflow", settings)
        self._ready = ready

    async def start(self) -> None:
        await super().start()
        self._ready.set()


def label(label_id: UUID, state: Any = "active") -> LabelChanged:
    return LabelChanged(
        occurred_at=now(), account_id=1, label_id=label_id, label_name=str(label_id)[-3:], description="",
        visibility="private", state=state,
    )  # fmt: skip


def message(message_id: UUID, state: Any = "active") -> MessageChanged:
    link = MessageLink(id=LINK, number=1, url="https://shop.example/puppies", text="Puppies", trackable=True)
    links = (link,) if message_id == GUIDE else ()
    return MessageChanged(
        occurred_at=now(), account_id=1, message_id=message_id, message_name="M", revision=1, state=state, links=links
    )


def segment(criterion: dict[str, Any], state: Any = "active", version: int = 1) -> SegmentChanged:
    return SegmentChanged(
        occurred_at=now(), account_id=1, segment_id=REGULARS, segment_name="Regulars", segment_version=version,
        criterion=criterion, state=state,
    )  # fmt: skip


def key(text: str, account: int = 1, scopes: Sequence[Any] = ("admin",)) -> ApiKeyChanged:
    return ApiKeyChanged(
        occurred_at=now(), account_id=account, key_id=uuid7(), hash=hash_of(text), scopes=tuple(scopes), revoked=False
    )


@asynccontextmanager
async def make_rig(bootstrap: str, dsn: str, prefix: str) -> AsyncIterator[Rig]:
    """Provide the service without a worker: `rig.worker()` starts one. `dsn` names a migrated database."""
    settings = WorkflowSettings(
        kafka=bootstrap, topic_prefix=prefix, partitions=PARTITIONS, workflow_database=SecretStr(dsn)
    )
    async with AsyncExitStack() as stack:
        await ensure_topics(settings)
        database = await Database.open(dsn, PARTITIONS)
        stack.push_async_callback(database.close)
        cluster = await check_cluster("workflow", settings, database)
        producer = AIOKafkaProducer(**client_options(settings))
        await producer.start()
        stack.push_async_callback(producer.stop)
        rig = Rig(settings, database, producer, cluster)

        await rig.publish(key(rig.key))
        rig.catalog = Catalog(settings, ["labeling.keys", *SERVICE.catalogs])
        await rig.catalog.start()
        stack.push_async_callback(rig.catalog.stop)
        ready = asyncio.Event()
        rig.relay = Relay(database, lambda: SignallingPublisher(settings, ready))
        relaying = asyncio.create_task(rig.relay.run())
        stack.push_async_callback(_cancel, relaying)
        # A producer that is cancelled while it connects leaves its socket to the garbage collector, which warns.
        await asyncio.wait_for(ready.wait(), DEADLINE)
        listening = asyncio.create_task(listen(dsn, {"events": rig.relay.wake}))
        stack.push_async_callback(_cancel, listening)
        resources = Resources(settings, database, rig.catalog, IntakeProducer(settings), rig.relay)
        parts = await build(resources, rig.clock)
        assert isinstance(parts.state, WorkflowService)
        rig.service = parts.state
        app = create_app("workflow", rig.catalog, database)
        app.state.service = rig.service
        for router in parts.routers:
            app.include_router(router)
        rig.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://workflow",
            headers={"Authorization": f"Bearer {rig.key}"},
        )
        stack.push_async_callback(rig.http.aclose)
        await rig.shop()
        yield rig


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
