"""Publishes records that can never be used, from the table of held records, as dead letters."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

import asyncpg
import structlog
from aiokafka.errors import MessageSizeTooLargeError

from shared import metrics
from shared.bus.errors import is_passing
from shared.bus.producer import IntakeProducer, IntakeRecord, RecordTooLarge, bytes_of
from shared.retrying import until_it_works
from shared.store.database import Database
from shared.store.held import decode_headers
from shared.store.queries import queries_of
from shared.waking import woken_within

log = structlog.get_logger()

QUERIES = queries_of(__file__)

AT_ONCE = 500  # records
POLL = 5.0  # seconds; NOTIFY wakes it earlier
SEND_WITHIN = 20.0  # seconds
MOST_MEASURED = 100_000  # held records of a state: the metric is capped at this number
LEFT_OUT = "dead_left_out"  # a header of dead letters whose record was too large to be included
# Errors of Kafka that concern one record only.
REFUSALS = (RecordTooLarge, MessageSizeTooLargeError, ValueError, TypeError, AssertionError)


class DeadLetters:
    """Publishes one service's dead records to `<topic>.dead`; at least once; `dead_offset` identifies each.

    `leads` returns whether this process holds the lease to publish; without it, every process would send the same
    records.
    """

    def __init__(
        self,
        database: Database,
        producer: IntakeProducer,
        service: str,
        consumers: Sequence[str],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._producer = producer
        self._service = service
        self._consumers = list(consumers)
        self._leads = leads
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Wake the task: a record has been held."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled; wait while Kafka or PostgreSQL is unavailable."""
        while True:
            self._wake.clear()
            await until_it_works("dead letters", self._run_once, is_passing)
            await woken_within(self._wake, POLL)

    async def _run_once(self) -> None:
        if self._leads():
            await QUERIES["expire_waiting"].execute(self._database.pool)
            while await self._publish_batch():
                pass
        await self._measure()

    async def _publish_batch(self) -> int:
        # No transaction is open while waiting for Kafka: it would hold row locks, and would be ended as idle.
        rows = await QUERIES["dead_records"].fetch(self._database.pool, consumers=self._consumers, most=AT_ONCE)
        by_topic: dict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_topic[row["topic"]].append(row)
        for topic, letters in by_topic.items():
            sent = await self._send(topic, letters)
            metrics.DEAD_LETTERS.labels(topic).inc(len(sent))
            await QUERIES["forget_dead"].execute(self._database.pool, ids=sent)
        return len(rows)

    async def _send(self, topic: str, rows: Sequence[asyncpg.Record]) -> list[int]:
        """Publish held records; return the ids of the published ones. Refused ones stay held, in the state `failed`."""
        try:
            await self._producer.send(f"{topic}.dead", [self._letter(row) for row in rows], within=SEND_WITHIN)
        except REFUSALS as error:
            if len(rows) > 1:
                return [held_id for row in rows for held_id in await self._send(topic, [row])]
            return await self._send_bare(topic, rows[0], error)
        return [row["id"] for row in rows]

    async def _send_bare(self, topic: str, row: asyncpg.Record, error: Exception) -> list[int]:
        """Publish a dead letter without the key, value and headers of its record, which Kafka refused with `error`."""
        try:
            await self._producer.send(f"{topic}.dead", [self._bare_letter(row)], within=SEND_WITHIN)
        except REFUSALS:
            log.exception("dead letter not published", topic=topic, offset=row["record_offset"])
            addition = f"; Kafka does not accept it as a dead letter: {type(error).__name__}"
            await QUERIES["keep_dead"].execute(self._database.pool, ids=[row["id"]], addition=addition)
            return []
        return [row["id"]]

    def _letter(self, row: asyncpg.Record) -> IntakeRecord:
        key, value = row["key"], row["value"]
        headers = [*decode_headers(row["headers"]), *self._reasons(row)]
        return (b"" if key is None and value is None else key), value, headers  # aiokafka needs a key or a value

    def _bare_letter(self, row: asyncpg.Record) -> IntakeRecord:
        size = bytes_of(self._letter(row))
        description = f"key, value and headers of {size} bytes"
        return b"", None, [*self._reasons(row), (LEFT_OUT, description.encode())]

    def _reasons(self, row: asyncpg.Record) -> list[tuple[str, bytes | None]]:
        return [
            ("dead_reason", row["reason"].encode()),
            ("dead_topic", row["topic"].encode()),
            ("dead_partition", str(row["partition"]).encode()),
            ("dead_offset", str(row["record_offset"]).encode()),
            ("dead_service", self._service.encode()),
        ]

    async def _measure(self) -> None:
        metrics.HELD_RECORDS.clear()
        for row in await QUERIES["count_held"].fetch(self._database.pool, most=MOST_MEASURED):
            metrics.HELD_RECORDS.labels(row["topic"], row["state"]).set(row["records"])
