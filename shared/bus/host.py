"""Runs one consumer of a process: FastStream fetches its records, a processor for each group of partition numbers
applies them."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from shared import metrics
from shared.bus.assigned import AssignedPartition
from shared.bus.catalog import Catalog
from shared.bus.checkpoints import Checkpoints
from shared.bus.connection import client_options
from shared.bus.dealing import GROUPS
from shared.bus.errors import is_passing
from shared.bus.faststream_security import faststream_security
from shared.bus.handler import Consumer
from shared.bus.offsets import Offsets
from shared.bus.processor import Processor
from shared.bus.ready_records import QUERIES as READY
from shared.bus.record import PartitionId, Record
from shared.bus.tracked_consumer import TrackedConsumer
from shared.settings import CommonSettings
from shared.store.database import Database
from shared.waking import woken_within

log = structlog.get_logger()

IN_MEMORY = 30_000  # records that wait in all lanes of a consumer; beyond this, the limit of each is FEW_WAITING
MOST_WAITING, FEW_WAITING = 5_000, 500  # records per topic and partition
REBALANCE_TIMEOUT_MS = 60_000  # longer than the slowest batch takes
POLL_INTERVAL_MS = 600_000  # the handler never blocks, so a longer silence is a bug that the watchdog ends
BATCH_TIMEOUT_MS = 10  # FastStream's latency when idle is twice this
COMMIT_EVERY = 5.0  # seconds; Kafka's own offsets are for lag tools only
CHECK_INTERVAL = 5.0  # seconds between checks for released records; NOTIFY wakes it earlier
SILENT_AFTER = 60.0  # seconds without a record although Kafka has some


class ConsumerHost:
    """One consumer in one process. `start` joins the consumer group, `stop` leaves it.

    `failure` gets an exception if the process must end.
    """

    def __init__(
        self,
        consumer: Consumer,
        service: str,
        settings: CommonSettings,
        database: Database,
        cluster_id: str,
        instance: str,
        backlog: Callable[[], int],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        catalog: Catalog | None = None,
    ) -> None:
        self.consumer = consumer
        self.group = f"{settings.topic_prefix}penchant.{service}.{consumer.name}.v{consumer.version}"
        self.partitions: dict[int, AssignedPartition] = {}
        self.processors: dict[int, Processor] = {}
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settings = settings
        self._database = database
        self._cluster_id = cluster_id
        self._instance = instance
        self._backlog = backlog
        self._clock = clock
        self._catalog = catalog
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._parts = [PartitionId(topic, number) for topic in consumer.topics for number in range(settings.partitions)]
        self._offsets = Offsets(settings, self._parts)
        self._assigned_to: dict[TopicPartition, AssignedPartition] = {}
        self._broker: KafkaBroker | None = None
        self._kafka: TrackedConsumer | None = None
        self._joined = False
        self._positions: dict[TopicPartition, tuple[int, float]] = {}  # the last position, and when it was reached
        self._background_tasks: list[asyncio.Task[None]] = []
        self._held_wake = asyncio.Event()
        consumer.handler.due_changed = self._wake_all  # type: ignore[method-assign] # as its docstring says

    # Start and stop

    async def start(self) -> None:
        """Join the group. Raises KafkaError while Kafka is unavailable."""
        await self._offsets.start()
        await self._commit_first_offsets()
        broker = KafkaBroker(
            self._settings.kafka,
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            graceful_timeout=None,
            logger=logging.getLogger("penchant.bus"),
            log_level=logging.DEBUG,  # at a higher level it would log each batch
            security=faststream_security(self._settings),
            request_timeout_ms=20_000,
        )
        subscriber = broker.subscriber(
            *(self._settings.topic_prefix + topic for topic in self.consumer.topics),
            batch=True,
            group_id=self.group,
            group_instance_id=f"{self.group}@{self._instance}",
            partition_assignment_strategy=(RangePartitionAssignor,),
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=self._settings.kafka_session_timeout * 1000,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            max_poll_interval_ms=POLL_INTERVAL_MS,
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            listener=_Listener(self),
            parser=_raw_message,
            decoder=_raw_records,
        )
        subscriber(self._receive)
        await broker.connect()
        config = broker.config.broker_config
        # FastStream creates plain aiokafka consumers; ours knows which records are between fetch and handler.
        config.builder = partial(self._build, config.builder.keywords)  # type: ignore[attr-defined] # a partial
        self._broker = broker
        try:
            await broker.start()
        except BaseException:
            await broker.stop()
            raise
        self._background_tasks = [
            asyncio.create_task(self._commit_offsets()),
            asyncio.create_task(self._watch_ready_records()),
        ]

    def _build(self, config_options: dict[str, Any], **options: Any) -> TrackedConsumer:
        self._kafka = TrackedConsumer(fetchable=self._fetchable, **config_options | options)
        return self._kafka

    async def stop(self) -> None:
        """Stop the processors at once, roll back their transactions, and leave the group."""
        for task in self._background_tasks:
            task.cancel()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        await self._stop_processors()
        if self._broker is not None:
            await self._broker.stop()
        await self._offsets.stop()
        self._kafka = None

    async def _commit_first_offsets(self) -> None:
        """Commit an offset for each partition: with `auto_offset_reset=none` Kafka needs one before the first seek."""
        kafka = TrackedConsumer(group_id=self.group, enable_auto_commit=False, **client_options(self._settings))
        await kafka.start()
        try:
            partitions = [self._offsets.of(part) for part in self._parts]
            kafka.assign(partitions)
            missing = [partition for partition in partitions if await kafka.committed(partition) is None]
            if missing:
                await kafka.commit(await kafka.beginning_offsets(missing))
        except KafkaError as error:
            # Other members are active already, so the offsets exist.
            log.info("offsets not committed", consumer=self.consumer.name, error=type(error).__name__)
        finally:
            await kafka.stop()

    # What FastStream calls

    async def _receive(self, records: tuple[Any, ...]) -> None:
        """Add fetched records to their lanes.

        `records` has items of the type `Record`, without an annotation: FastStream would make a model of it.
        """
        kafka = self._kafka
        if kafka is None:
            return
        prefix = len(self._settings.topic_prefix)
        for (name, number), run in groupby(records, key=attrgetter("topic", "partition")):
            partition = TopicPartition(name, number)
            assigned = self._assigned_to.get(partition)
            if assigned is None or assigned.lane is None or partition in kafka.sought:
                continue
            assigned.lane.push(PartitionId(name[prefix:], number), run)
            assigned.wake()
            self.processors[assigned.number % GROUPS].wake()

    async def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Take the partitions that the group has assigned; none of them is fetched before `seek`."""
        kafka = self._kafka
        assert kafka is not None
        kafka.pause(*partitions)
        self._joined = True
        prefix = len(self._settings.topic_prefix)
        ours = self._by_number([PartitionId(partition.topic[prefix:], partition.partition) for partition in partitions])
        await self._give_up([number for number, kept in self.partitions.items() if kept.parts != ours.get(number)])
        for number, parts in sorted(ours.items()):
            kept = self.partitions.get(number)
            if kept is None:
                self._add(number, parts)
            elif kept.lane is not None:
                # Kafka's own offsets lag behind; the checkpoint in PostgreSQL fences other owners.
                self.seek({part: queue.next_fetch for part, queue in kept.lane.queues.items()})

    def _by_number(self, parts: Iterable[PartitionId]) -> dict[int, list[PartitionId]]:
        """Return the parts that are processed together, by their number."""
        by_number: dict[int, list[PartitionId]] = {}
        for part in sorted(parts, key=lambda part: (self.consumer.topics.index(part.topic), part.partition)):
            number = part.partition if self.consumer.aligned else part.partition % GROUPS
            by_number.setdefault(number, []).append(part)
        return by_number

    def _add(self, number: int, parts: Sequence[PartitionId]) -> None:
        processor = self._processor(number % GROUPS)
        assigned = AssignedPartition(
            self.consumer, number, parts, processor.checkpoints, self._database, self, self._catalog
        )
        self.partitions[number] = assigned
        self._assigned_to |= {self._offsets.of(part): assigned for part in parts}
        processor.add(assigned)

    def _processor(self, group: int) -> Processor:
        processor = self.processors.get(group)
        if processor is None:
            checkpoints = Checkpoints(self.consumer.name, self.consumer.version, self._cluster_id)
            processor = Processor(self.consumer, self._database, checkpoints, self.ends, self._clock, self._backlog)
            self.processors[group] = processor
            task = asyncio.create_task(processor.run(), name=f"{self.consumer.name} {group}")
            self._tasks[group] = task
            task.add_done_callback(self._ended)
        return processor

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and not self.failure.done():
            error = task.exception()
            self.failure.set_exception(error or RuntimeError("a processor ended unexpectedly"))

    async def _give_up(self, numbers: Iterable[int]) -> None:
        """Give up partition numbers, for their next owner."""
        removed = [self.partitions.pop(number) for number in numbers]
        for assigned in removed:
            for part in assigned.parts:
                del self._assigned_to[self._offsets.of(part)]
        for group, processor in self.processors.items():
            await processor.remove([assigned.number for assigned in removed if assigned.number % GROUPS == group])

    async def _stop_processors(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Implements `assigned.RecordSource`

    def _client(self) -> TrackedConsumer:
        if self._kafka is None:
            raise IllegalStateError("the consumer is stopped")
        return self._kafka

    async def beginnings(self, parts: Iterable[PartitionId]) -> Mapping[PartitionId, int]:
        return await self._offsets.beginnings(parts)

    async def ends(self, parts: Iterable[PartitionId]) -> Mapping[PartitionId, int]:
        return await self._offsets.ends(parts)

    async def read_to(self, part: PartitionId, end: int) -> bool:
        """Return whether Kafka was read up to `end` (markers and gaps count) and no fetched records are
        in flight to the lane."""
        kafka = self._client()
        return await kafka.position(self._offsets.of(part)) >= end and not kafka.in_flight

    def seek(self, offsets: Mapping[PartitionId, int]) -> None:
        kafka = self._client()
        for part, offset in offsets.items():
            partition = self._offsets.of(part)
            kafka.seek(partition, offset)
            kafka.resume(partition)

    def _fetchable(self) -> set[TopicPartition]:
        """Return the partitions to take records from: not those with too many waiting records.

        A part that others wait for (`ce_after`) always gets some, however many records wait elsewhere.
        """
        lanes = [assigned.lane for assigned in self.partitions.values() if assigned.lane is not None]
        most = MOST_WAITING if sum(map(len, lanes)) < IN_MEMORY else FEW_WAITING
        return {self._offsets.of(part) for lane in lanes for part in lane.queues if lane.size(part) < most}

    # Watching

    async def _commit_offsets(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            try:
                await self._client().commit(
                    {
                        self._offsets.of(part): checkpoint.next_offset
                        for assigned in self.partitions.values()
                        if assigned.is_open
                        for part, checkpoint in assigned.current.items()
                    }
                )
                await self._measure()
            except (KafkaError, ConnectionError) as error:
                log.debug("offsets not committed", consumer=self.consumer.name, error=type(error).__name__)

    def _wake_all(self) -> None:
        for processor in self.processors.values():
            processor.wake()

    def held_changed(self) -> None:
        """Check for held records that were released."""
        self._held_wake.set()

    async def _watch_ready_records(self) -> None:
        while True:
            self._held_wake.clear()
            try:
                rows = await READY["partitions_with_ready_records"].fetch(
                    self._database.pool, consumer=self.consumer.name
                )
            except Exception as error:
                if not is_passing(error):
                    raise
                rows = []
            ready = {row["partition"] for row in rows}
            for assigned in self.partitions.values():
                if ready & {part.partition for part in assigned.parts}:
                    assigned.ready.may_have_records = True
                    self.processors[assigned.number % GROUPS].wake()
            await woken_within(self._held_wake, CHECK_INTERVAL)

    async def _measure(self) -> None:
        """Measure lag and silence. A partition is silent if Kafka has records for it but none is received for long."""
        kafka = self._client()
        ours = [part for assigned in self.partitions.values() for part in assigned.parts]
        fetchable = self._fetchable()
        for part, end in (await self._offsets.ends(ours)).items():
            partition = self._offsets.of(part)
            position = await kafka.position(partition)
            metrics.CONSUMER_LAG.labels(self.consumer.name, *map(str, part)).set(max(0, end - position))
            before, since = self._positions.get(partition, (-1, 0.0))
            if position != before or position >= end or partition not in fetchable:
                self._positions[partition] = (position, monotonic())
            elif monotonic() - since > SILENT_AFTER and not self.failure.done():
                self.failure.set_exception(
                    RuntimeError(f"nothing is received from {partition} although Kafka has records")
                )

    def troubles(self) -> list[str]:
        """Return why the consumer makes no progress, for the health page; empty if it does."""
        if self._kafka is None:
            return [f"{self.consumer.name}: not connected to Kafka"]
        if not self._joined:
            return [f"{self.consumer.name}: not in the consumer group yet"]
        silent = monotonic() - self._kafka.polled_at
        troubles = [f"{self.consumer.name}: Kafka not polled for {silent:.0f} s"] if silent > SILENT_AFTER else []
        return troubles + [
            f"{self.consumer.name} [{number}]: {trouble}"
            for number, assigned in sorted(self.partitions.items())
            if (trouble := assigned.trouble or assigned.tick.trouble) is not None
        ]


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    def __init__(self, host: ConsumerHost) -> None:
        self._host = host

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Do nothing: partitions that this process keeps continue, and the fence stops a process that lost one."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        try:
            await self._host.assigned(assigned)
        except Exception as error:  # noqa: BLE001 - aiokafka would only log it, and nothing would be processed
            if not self._host.failure.done():
                self._host.failure.set_exception(error)


async def _raw_message(records: tuple[Record, ...]) -> KafkaMessage:
    """Leave headers as bytes: FastStream drops a whole batch if one header is not UTF-8."""
    return KafkaMessage(body=b"", raw_message=records, headers={}, consumer=None)  # type: ignore[arg-type]


async def _raw_records(message: KafkaMessage) -> tuple[Record, ...]:
    records: tuple[Record, ...] = message.raw_message
    return records
