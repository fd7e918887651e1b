"""Held records that have been released, and are to be processed again."""

from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord

from shared.bus.checkpoints import QUERIES
from shared.bus.handler import Consumer, HandlerFailed
from shared.bus.received import Received
from shared.events.codec import decode
from shared.events.undecodable import Undecodable
from shared.store.held import decode_headers
from shared.store.unit_of_work import UnitOfWork

AT_ONCE = 1_000  # records


class ReadyRecords:
    """The released records of one consumer in some partitions. `wanted` says that there may be some."""

    def __init__(self, consumer: Consumer, partitions: Iterable[int]) -> None:
        self.wanted = False
        self.taken = 0
        self._consumer = consumer
        self._partitions = sorted(set(partitions))
        self._ids: list[int] = []

    async def take(self, work: UnitOfWork, most: int) -> Sequence[Received]:
        """The next released records, in order; they are no longer held once `work` is committed."""
        rows = await work.connection.fetch(
            QUERIES["ready_records"],
            self._consumer.name,
            self._partitions,
            list(self._consumer.topics),
            min(most, AT_ONCE),
        )
        self._ids = [row["id"] for row in rows]
        self.taken = len(rows)
        await work.connection.execute(QUERIES["forget_held"], self._ids)
        batch: list[Received] = []
        for row in rows:
            headers = decode_headers(row["headers"])
            record = ConsumerRecord(
                row["topic"], row["partition"], row["record_offset"], 0, 0, row["key"], row["value"], None, 0, 0,
                headers,
            )  # fmt: skip
            try:
                decoded = decode(row["topic"], row["key"], row["value"], dict(headers))
            except Undecodable as error:
                raise HandlerFailed from error
            received = Received(self._consumer.name, row["topic"], record, decoded)
            received.held_since = row["held_at"]
            batch.append(received)
        return batch

    async def fail(self, work: UnitOfWork, reason: str) -> None:
        """The code failed again on what `take` gave last."""
        await work.connection.execute(QUERIES["fail_held"], self._ids, reason)
