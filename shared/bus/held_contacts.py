"""Contacts of which a record is held: their later records of the topic are held too, in order."""

from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy

from shared.bus.checkpoints import QUERIES
from shared.bus.handler import Consumer, PartitionStopped
from shared.bus.reading import Unread, contact_of
from shared.bus.received import Received
from shared.bus.record import Part
from shared.store.unit_of_work import UnitOfWork

MOST_FAILED = 1_000  # held records on which the code failed; more stop the partition
EARLIER = "an earlier record of the contact is held"

Key = tuple[str, int, int]  # topic, account, contact
Poison = tuple[Part, int, str]  # where, offset, reason


class Sorted:
    """A batch, told apart before its transaction begins: what to handle, and what to hold for which reason."""

    def __init__(self, failed: set[Key]) -> None:
        self.batch: list[Received] = []
        self.hold: list[tuple[Received | Unread, int, int, str]] = []
        self.reject: list[Unread] = []
        self.failed = failed

    def write(self, work: UnitOfWork) -> None:
        """Hold and reject what is set aside."""
        for record, account_id, contact_id, reason in self.hold:
            work.fail(record, account_id, contact_id, reason)
        for unread in self.reject:
            work.reject(unread, unread.reason)


class HeldContacts:
    """The contacts of one partition number with held records; `poison` is a record that the code fails on."""

    def __init__(self, consumer: Consumer) -> None:
        self.poison: Poison | None = None
        self._consumer = consumer
        self._failed: set[Key] = set()

    async def load(self, connection: PoolConnectionProxy, number: int) -> None:
        """Read the contacts that have held records."""
        rows = await connection.fetch(
            QUERIES["failed_contacts"], self._consumer.name, number, list(self._consumer.topics)
        )
        self._failed = {(row["topic"], row["account_id"], row["contact_id"]) for row in rows}

    def sort(self, received: Sequence[Received], unread: Sequence[Unread]) -> Sorted:
        """Tell apart what can be handled. Raises PartitionStopped if too much would be held."""
        found = Sorted(set(self._failed))
        for record in unread:
            if self._consumer.aligned:
                self._hold(found, record, record.reason)
            else:
                found.reject.append(record)
        if not found.failed and self.poison is None:
            found.batch = list(received)
        else:
            for one in received:
                reason = self._reason(found.failed, one)
                if reason is None:
                    found.batch.append(one)
                else:
                    self._hold(found, one, reason)
        return found

    def _reason(self, failed: set[Key], record: Received) -> str | None:
        if self.poison is not None and self.poison[:2] == ((record.topic, record.partition), record.offset):
            return self.poison[2]
        if self._consumer.aligned and (record.topic, *contact_of(record)) in failed:
            return EARLIER
        return None

    def _hold(self, found: Sorted, record: Received | Unread, reason: str) -> None:
        account_id, contact_id = contact_of(record) if self._consumer.aligned else (0, 0)
        found.hold.append((record, account_id, contact_id, reason))
        if self._consumer.aligned:
            found.failed.add((record.topic, account_id, contact_id))
            if len(found.failed) > MOST_FAILED:
                raise PartitionStopped(f"more than {MOST_FAILED} contacts have held records")

    def committed(self, found: Sorted) -> None:
        """Remember what has been written, once it is committed."""
        self._failed = found.failed


async def count_failed(connection: PoolConnectionProxy, consumer: Consumer, number: int) -> int:
    """Return how many records of contact topics are held because the code failed on them."""
    if not consumer.aligned:
        return 0
    found: int = await connection.fetchval(QUERIES["count_failed"], consumer.name, number, list(consumer.topics))
    return found
