"""Catalog topics in memory: read to their end before anything else, then followed. See docs/decisions/catalogs.md."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import metrics
from shared.bus.connection import client_options
from shared.bus.errors import is_passing
from shared.bus.kept_things import KeptThings
from shared.bus.offsets import Offsets
from shared.bus.record import PartitionId, Record
from shared.bus.sequences import is_forged
from shared.events.codec import Tombstone, decode
from shared.events.envelope import CatalogEvent
from shared.events.labeling import AccountChanged, ApiKeyChanged, FieldChanged, LabelChanged
from shared.events.segmentation import CampaignChanged, SegmentChanged
from shared.events.tracking import MessageChanged
from shared.events.undecodable import Undecodable
from shared.events.workflow import WorkflowChanged
from shared.retrying import Pauses
from shared.settings import CommonSettings
from shared.yielding import yielding

log = structlog.get_logger()

Thing = TypeVar("Thing", bound=CatalogEvent)
POLL_MS = 50

_IDENTITIES: dict[type[CatalogEvent], Callable[[Any], object]] = {
    AccountChanged: lambda event: event.account_id,
    LabelChanged: lambda event: event.label_id,
    FieldChanged: lambda event: (event.account_id, event.field_key),
    ApiKeyChanged: lambda event: event.hash,
    SegmentChanged: lambda event: event.segment_id,
}
# The types that are kept on disk, and the prefixes of their keys; an id follows.
_KEPT: dict[type[CatalogEvent], str] = {
    MessageChanged: "message",
    CampaignChanged: "campaign",
    WorkflowChanged: "workflow",
}


class Catalog:
    """The newest state of every thing (label, message, …) on `topics`.

    `start` returns once the topics have been read to their ends; `on_change` callbacks are called with each event, from
    the first one on. Messages, campaigns and workflows are large and seldom needed: they are kept on disk (see
    `KeptThings`).
    """

    def __init__(self, settings: CommonSettings, topics: Sequence[str]) -> None:
        self._settings = settings
        self._things: dict[type[CatalogEvent], dict[object, CatalogEvent]] = defaultdict(dict)
        self._by_account: dict[tuple[type[CatalogEvent], int], dict[object, CatalogEvent]] = defaultdict(dict)
        self._by_key: dict[str, CatalogEvent] = {}
        self._kept = KeptThings(_KEPT)
        self._callbacks: list[Callable[[CatalogEvent], None]] = []
        self._sequences: dict[str, int] = {}
        self._kafka: AIOKafkaConsumer | None = None
        self._topics = frozenset(topics)
        self._parts = [PartitionId(topic, 0) for topic in topics]
        self._offsets = Offsets(settings, self._parts)
        self._records_read = asyncio.Condition()  # notified after each poll
        self._refreshing: asyncio.Task[bool] | None = None
        self._following: asyncio.Task[None] | None = None
        self.trouble: str | None = None  # why the catalogs are not followed, for the health page

    def on_change(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with each catalog event."""
        self._callbacks.append(callback)

    def find(self, model: type[Thing], identity: object) -> Thing | None:
        """Return the newest state of the thing with this identity (see `_IDENTITIES`), or None if there is none."""
        if model in _KEPT:
            return self._kept.find(f"{_KEPT[model]}:{identity}")  # type: ignore[return-value] # kept under its own key
        return self._things[model].get(identity)  # type: ignore[return-value] # kept by its own type

    def all(self, model: type[Thing], account_id: int | None = None) -> list[Thing]:
        """Return all things of a type, of one account or of all."""
        if model in _KEPT:
            return self._kept.of_account(model, account_id)
        things = self._things[model] if account_id is None else self._by_account[model, account_id]
        return list(things.values())  # type: ignore[arg-type]

    def message_of(self, link_id: UUID) -> UUID | None:
        """Return the message that has the link in any of its revisions; None for an unknown link."""
        return self._kept.message_of(link_id)

    def sequence(self, topic: str) -> int | None:
        """Return the highest sequence read of a catalog topic; None if it is not followed."""
        return self._sequences.get(topic, 0) if topic in self._topics else None

    async def start(self) -> None:
        """Read the topics to their ends. Raises KafkaError while Kafka is unavailable."""
        try:
            await self._offsets.start()
            await self._connect()
            ends = await self._offsets.ends(self._parts)
            while not await self._reached(ends):
                await self._poll()
        except BaseException:
            await self.stop()
            raise
        self._following = asyncio.create_task(self._run(), name="catalog")

    async def watch(self) -> None:
        """Wait until following the topics fails, and raise the error; never return.

        The process must then end: with an outdated catalog, revoked keys would stay valid.
        """
        assert self._following is not None
        await asyncio.shield(self._following)

    async def stop(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._disconnect()
        await self._offsets.stop()

    async def refresh(self, within: float = 1.0) -> bool:
        """Read to the current ends of the topics, for at most `within` seconds. Callers share one read."""
        # A refresh that began before this call may have read older ends, so wait for a running one first.
        running = self._refreshing
        deadline = asyncio.get_running_loop().time() + within
        try:
            async with asyncio.timeout_at(deadline):
                if running is not None:
                    await asyncio.shield(running)
                if self._refreshing is None or self._refreshing is running:
                    self._refreshing = asyncio.create_task(self._refresh(within))
                return await asyncio.shield(self._refreshing)
        except TimeoutError:
            return False

    async def _refresh(self, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                ends = await self._offsets.ends(self._parts)
                async with self._records_read:
                    while not await self._reached(ends):
                        await self._records_read.wait()
                return True
        except Exception as error:
            if not is_passing(error):
                raise
            return False

    async def _connect(self) -> None:
        kafka = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            **client_options(self._settings),
        )
        try:
            await kafka.start()
            partitions = [self._offsets.of(part) for part in self._parts]
            kafka.assign(partitions)
            await kafka.seek_to_beginning(*partitions)
        except BaseException:
            await kafka.stop()
            raise
        self._kafka = kafka

    async def _disconnect(self) -> None:
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            await kafka.stop()

    async def _reached(self, ends: Mapping[PartitionId, int]) -> bool:
        if self._kafka is None:
            return False
        # Markers of transactions count for the position, although they are not records.
        positions = [(await self._kafka.position(self._offsets.of(part)), end) for part, end in ends.items()]
        return all(position >= end for position, end in positions)

    def _topic_of(self, partition: TopicPartition) -> str:
        name: str = partition.topic
        return name[len(self._settings.topic_prefix) :]

    async def _run(self) -> None:
        pauses = Pauses()
        while True:
            try:
                if self._kafka is None:
                    await self._connect()
                await self._poll()
                self.trouble = None
                pauses.reset()
            except Exception as error:
                self.trouble = f"the catalogs cannot be read: {type(error).__name__}"
                if not is_passing(error):
                    raise
                log.warning("reading the catalogs failed, retrying", error=type(error).__name__)
                await self._disconnect()
                await asyncio.sleep(pauses.after_failure())

    async def _poll(self) -> None:
        assert self._kafka is not None
        fetched: dict[TopicPartition, list[Record]] = await self._kafka.getmany(timeout_ms=POLL_MS)
        for partition, records in fetched.items():
            async for record in yielding(records):
                self._apply(self._topic_of(partition), record)
        async with self._records_read:
            self._records_read.notify_all()

    def _apply(self, topic: str, record: Record) -> None:
        try:
            decoded = decode(topic, record.key, record.value, dict(record.headers))
        except Undecodable as error:
            log.error(  # noqa: TRY400 - the reason is enough, without a traceback
                "catalog record skipped", topic=topic, offset=record.offset, reason=error.reason
            )
            return
        sequence, last = decoded.sequence or 0, self._sequences.get(topic, 0)
        if is_forged(sequence, last):
            metrics.RECORDS_DROPPED.labels(topic, "sequence").inc()
            log.error("catalog record rejected: its sequence cannot be from the topic's writer", topic=topic,
                      offset=record.offset, sequence=sequence)  # fmt: skip
            return
        # A relay may send a record twice, and an old state must not replace a newer one.
        if sequence <= last:
            return
        self._sequences[topic] = sequence
        if isinstance(decoded.event, Tombstone):
            self._forget(decoded.event.key)
        else:
            self.remember(decoded.event)

    def remember(self, event: CatalogEvent) -> None:
        """Store the newest state of a thing, and call the callbacks."""
        if type(event) in _KEPT:
            self._kept.keep(event)
        else:
            self._forget(event.key)
            identity = _IDENTITIES[type(event)](event)
            self._things[type(event)][identity] = event
            self._by_account[type(event), event.account_id][identity] = event
            self._by_key[event.key] = event
        for callback in self._callbacks:
            callback(event)

    def _forget(self, key: str) -> None:
        if key.partition(":")[0] in _KEPT.values():
            self._kept.forget(key)
            return
        event = self._by_key.pop(key, None)
        if event is not None:
            identity = _IDENTITIES[type(event)](event)
            self._things[type(event)].pop(identity, None)
            self._by_account[type(event), event.account_id].pop(identity, None)
