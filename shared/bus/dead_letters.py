"""Moves what can never be used from the table of held records to the dead letters."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import asyncpg
import structlog

from shared import metrics
from shared.bus.checkpoints import QUERIES
from shared.bus.producer import Headers, IntakeProducer
from shared.store.database import Database
from shared.store.errors import is_passing
from shared.store.held import decode_headers

log = structlog.get_logger()

AT_ONCE = 500  # records
POLL = 1.0  # seconds; NOTIFY wakes it earlier
SEND_WITHIN = 20.0  # seconds


class DeadLetters:
    """Publishes one service's dead records to `<topic>.dead`; at least once, told apart by `dead_offset`."""

    def __init__(self, database: Database, producer: IntakeProducer, service: str, consumers: Sequence[str]) -> None:
        self._database = database
        self._producer = producer
        self._service = service
        self._consumers = list(consumers)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something has been held."""
        self._wake.set()

    async def run(self) -> None:
        """For ever; waits while Kafka or PostgreSQL is away."""
        while True:
            self._wake.clear()
            try:
                await self._database.pool.execute(QUERIES["expire_waiting"])
                while await self._move():
                    pass
                await self._measure()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("dead letters wait", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._wake.wait(), POLL)
            except TimeoutError:
                continue

    async def _move(self) -> int:
        async with self._database.transaction() as connection:
            # Kafka may be slow while the rows are locked.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
            rows = await connection.fetch(QUERIES["dead_records"], self._consumers, AT_ONCE)
            letters: dict[str, list[tuple[bytes | None, bytes | None, Headers]]] = defaultdict(list)
            for row in rows:
                letters[row["topic"]].append((row["key"], row["value"], self._headers(row)))
            for topic, records in letters.items():
                await self._producer.send(f"{topic}.dead", records, within=SEND_WITHIN)
                metrics.DEAD_LETTERS.labels(topic).inc(len(records))
            await connection.execute(QUERIES["forget_held"], [row["id"] for row in rows])
        return len(rows)

    def _headers(self, row: asyncpg.Record) -> Headers:
        return [
            *decode_headers(row["headers"]),
            ("dead_reason", row["reason"].encode()),
            ("dead_topic", row["topic"].encode()),
            ("dead_partition", str(row["partition"]).encode()),
            ("dead_offset", str(row["record_offset"]).encode()),
            ("dead_service", self._service.encode()),
        ]

    async def _measure(self) -> None:
        metrics.HELD_RECORDS.clear()
        for row in await self._database.pool.fetch(QUERIES["count_held"]):
            metrics.HELD_RECORDS.labels(row["topic"], row["state"]).set(row["records"])
