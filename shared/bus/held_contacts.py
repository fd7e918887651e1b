"""Contacts with held records: their later records on the topic are held too, in order."""

from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy

from shared.bus.handler import Consumer, PartitionStopped
from shared.bus.reading import Unread, contact_of, is_erasure
from shared.bus.ready_records import EARLIER_HELD
from shared.bus.received import Received
from shared.bus.record import PartitionId
from shared.store.errors import Fenced
from shared.store.held import forget_contacts
from shared.store.queries import queries_of
from shared.store.unit_of_work import UnitOfWork

QUERIES = queries_of(__file__)

MOST_FAILED = 1_000  # held records on which the code failed; more stop the partition

Contact = tuple[int, int]  # account, contact
Key = tuple[str, int, int]  # topic, account, contact
Poison = tuple[PartitionId, int, str]  # part, offset, reason
Place = tuple[str, int]  # topic, offset: of a record within the partition number


class SortedRecords:
    """A batch, sorted before its transaction begins: records to handle, and records to hold with the reasons.

    `failed` are the contacts that will have held records once this is committed, `erased` those that it erases.
    """

    def __init__(self, consumer: Consumer, failed: set[Key]) -> None:
        self.batch: list[Received] = []
        self.hold: list[tuple[Received | Unread, int, int, str]] = []
        self.reject: list[Unread] = []
        self.failed = set(failed)
        self.erased: set[Contact] = set()
        self.read_again: set[int] = set()  # ids of held records that this batch contains again
        self._consumer = consumer
        self._failed_before = failed

    def erase(self, contact: Contact) -> None:
        """Delete all held records of a contact."""
        self.erased.add(contact)
        self.failed = {key for key in self.failed if key[1:] != contact}
        self.hold = [one for one in self.hold if (one[1], one[2]) != contact]

    async def write(self, work: UnitOfWork) -> None:
        """Write the records to hold and to reject, and delete those of erased contacts.

        Raises Fenced if earlier held records are gone: another process has erased the contact.
        """
        await self._check_held(work.connection)
        if self.read_again:
            await QUERIES["forget_records"].execute(work.connection, ids=sorted(self.read_again))
        await forget_contacts(work.connection, self.erased)
        for record, account_id, contact_id, reason in self.hold:
            work.fail(record, account_id, contact_id, reason)
        for unread in self.reject:
            work.reject(unread, unread.reason)

    async def _check_held(self, connection: PoolConnectionProxy) -> None:
        assumed = {
            key
            for record, account_id, contact_id, reason in self.hold
            if reason == EARLIER_HELD and (key := (record.topic, account_id, contact_id)) in self._failed_before
        }
        if not assumed:
            return
        rows = await QUERIES["held_among"].fetch(
            connection,
            consumer=self._consumer.name,
            topics=[topic for topic, _, _ in assumed],
            account_ids=[account_id for _, account_id, _ in assumed],
            contact_ids=[contact_id for _, _, contact_id in assumed],
        )
        if {(row["topic"], row["account_id"], row["contact_id"]) for row in rows} != assumed:
            raise Fenced("held records were changed meanwhile")


class HeldContacts:
    """The contacts of one partition number that have held records; `poison` is a record that the code fails on."""

    def __init__(self, consumer: Consumer) -> None:
        self.poison: Poison | None = None
        self._consumer = consumer
        self._failed: set[Key] = set()
        self._undecided: dict[Place, int] = {}  # ids of records held by an older version, which will be read again

    async def load(self, connection: PoolConnectionProxy, number: int) -> None:
        """Read the contacts that have held records, and the records that an older version of the consumer holds."""
        selection = {
            "consumer": self._consumer.name,
            "version": self._consumer.version,
            "partition": number,
            "topics": list(self._consumer.topics),
        }
        rows = await QUERIES["failed_contacts"].fetch(connection, **selection)
        self._failed = {(row["topic"], row["account_id"], row["contact_id"]) for row in rows}
        again = await QUERIES["undecided_records"].fetch(connection, **selection)
        self._undecided = {(row["topic"], row["record_offset"]): row["id"] for row in again}

    def sort(self, records: Sequence[Received | Unread]) -> SortedRecords:
        """Separate the records to handle from those to hold. A held record holds back only later ones of its contact.

        Raises PartitionStopped if too much would be held.
        """
        result = SortedRecords(self._consumer, self._failed)
        for record in records:
            self._mark_if_read_again(result, record)
            if isinstance(record, Received):
                self._sort_received(result, record)
            elif self._consumer.aligned:
                self._hold(result, record, record.reason)
            else:
                result.reject.append(record)
        return result

    def _sort_received(self, result: SortedRecords, record: Received) -> None:
        reason = self._reason(result.failed, record)
        if self._consumer.aligned and is_erasure(record) and reason in (None, EARLIER_HELD):
            # An erasure is never held back, even if the code failed on an earlier record.
            result.erase(contact_of(record))
            result.batch.append(record)
        elif reason is None:
            result.batch.append(record)
        else:
            self._hold(result, record, reason)

    def _mark_if_read_again(self, result: SortedRecords, record: Received | Unread) -> None:
        held_id = self._undecided.get((record.topic, record.offset)) if self._undecided else None
        if held_id is not None:
            result.read_again.add(held_id)
            if isinstance(record, Received):
                record.held_id = held_id  # it has not been handled yet

    def _reason(self, failed: set[Key], record: Received) -> str | None:
        if self.poison is not None and self.poison[:2] == ((record.topic, record.partition), record.offset):
            return self.poison[2]
        if self._consumer.aligned and (record.topic, *contact_of(record)) in failed:
            return EARLIER_HELD
        return None

    def _hold(self, result: SortedRecords, record: Received | Unread, reason: str) -> None:
        account_id, contact_id = contact_of(record) if self._consumer.aligned else (0, 0)
        result.hold.append((record, account_id, contact_id, reason))
        if self._consumer.aligned:
            result.failed.add((record.topic, account_id, contact_id))
            if len(result.failed) > MOST_FAILED:
                raise PartitionStopped(f"more than {MOST_FAILED} contacts have held records")

    def committed(self, result: SortedRecords) -> None:
        """Note the held records that `result` has written, once they are committed."""
        self._failed = result.failed
        if result.read_again:
            self._undecided = {
                place: held_id for place, held_id in self._undecided.items() if held_id not in result.read_again
            }


async def count_failed(connection: PoolConnectionProxy, consumer: Consumer, number: int) -> int:
    """Return how many records of contact topics are held because the code failed on them."""
    if not consumer.aligned:
        return 0
    count: int = await QUERIES["count_failed"].fetchval(
        connection, consumer=consumer.name, partition=number, topics=list(consumer.topics)
    )
    return count
