"""Held records that have been released and are processed again."""

from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord

from shared.bus.handler import Consumer, HandlerFailed
from shared.bus.reading import contact_of, is_erasure
from shared.bus.received import Received
from shared.events.codec import decode
from shared.events.undecodable import Undecodable
from shared.store.errors import Fenced
from shared.store.held import decode_headers, forget_contacts
from shared.store.queries import queries_of
from shared.store.unit_of_work import UnitOfWork

QUERIES = queries_of(__file__)

AT_ONCE = 1_000  # records
EARLIER_HELD = "an earlier record of the contact is held"


class ReadyRecords:
    """The released records of one consumer in some partitions."""

    def __init__(self, consumer: Consumer, partitions: Iterable[int]) -> None:
        self.may_have_records = False
        self.taken = 0
        self._consumer = consumer
        self._partitions = sorted(set(partitions))
        self._ids: list[int] = []
        self._erased: set[tuple[int, int]] = set()

    async def take(self, work: UnitOfWork, most: int) -> Sequence[Received]:
        """Return the next released records, at most `most`, in order; call `forget` once they are applied.

        Raises HandlerFailed if one of them cannot be read.
        """
        rows = await QUERIES["ready_records"].fetch(
            work.connection,
            consumer=self._consumer.name,
            version=self._consumer.version,
            partitions=self._partitions,
            topics=list(self._consumer.topics),
            most=min(most, AT_ONCE),
        )
        self._ids = [row["id"] for row in rows]
        self.taken = len(rows)
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
            received.held_id, received.held_since = row["id"], row["held_at"]
            batch.append(received)
        self._erased = {contact_of(received) for received in batch if self._consumer.aligned and is_erasure(received)}
        return batch

    async def forget(self, work: UnitOfWork) -> None:
        """Delete the records that `take` returned last and that this unit of work applied; after an erasure, all of the
        contact.

        Raises Fenced if an erasure deleted any of them meanwhile.
        """
        if await QUERIES["forget_ready"].execute(work.connection, ids=self._ids) != len(self._ids):
            raise Fenced("held records were changed meanwhile")
        await forget_contacts(work.connection, self._erased)

    async def release_later(self, work: UnitOfWork) -> bool:
        """Release records that were held only because of an earlier one that is now applied; return whether there were
        any."""
        released = await QUERIES["release_later"].execute(
            work.connection,
            consumer=self._consumer.name,
            partitions=self._partitions,
            topics=list(self._consumer.topics),
            reason_of_later=EARLIER_HELD,
        )
        return released > 0

    async def fail(self, work: UnitOfWork, reason: str) -> None:
        """Hold the records that `take` returned last again, and the contact's later ones: the code failed again."""
        await QUERIES["fail_ready"].execute(work.connection, ids=self._ids, reason=reason, reason_of_later=EARLIER_HELD)
