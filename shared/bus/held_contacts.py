"""Contacts with held records: their later records on the topic are held too, in order."""

from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy

from shared.bus.handler import Consumer, PartitionStopped
from shared.bus.reading import Unread, contact_of, is_erasure
from shared.bus.ready_records import EARLIER
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
Poison = tuple[PartitionId, int, str]  # where, offset, reason
Place = tuple[str, int]  # topic, offset: of a record within the partition number


class Sorted:
    """A batch, sorted before its transaction begins: records to handle, and records to hold with the reasons.

    `failed` are the contacts that will have held records once this is committed, `erased` those that it erases.
    """

    def __init__(self, consumer: Consumer, failed: set[Key]) -> None:
        self.batch: list[Received] = []
        self.hold: list[tuple[Received | Unread, int, int, str]] = []
        self.reject: list[Unread] = []
        self.failed = set(failed)
        self.erased: set[Contact] = set()
        self.read_again: set[int] = set()  # ids of held records
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
        relied_on = {
            key
            for record, account_id, contact_id, reason in self.hold
            if reason == EARLIER and (key := (record.topic, account_id, contact_id)) in self._failed_before
        }
        if not relied_on:
            return
        rows = await QUERIES["held_among"].fetch(
            connection,
            consumer=self._consumer.name,
            topics=[topic for topic, _, _ in relied_on],
            account_ids=[account_id for _, account_id, _ in relied_on],
            contact_ids=[contact_id for _, _, contact_id in relied_on],
        )
        if {(row["topic"], row["account_id"], row["contact_id"]) for row in rows} != relied_on:
            raise Fenced("held records were changed meanwhile")


class HeldContacts:
    """The contacts of one partition number that have held records; `poison` is a record that the code fails on."""

    def __init__(self, consumer: Consumer) -> None:
        self.poison: Poison | None = None
        self._consumer = consumer
        self._failed: set[Key] = set()
        self._undecided: dict[Place, int] = {}  # ids of held records, which will be read again

    async def load(self, connection: PoolConnectionProxy, number: int) -> None:
        """Read the contacts that have held records, and the records that an older version of the consumer holds."""
        of_this = {
            "consumer": self._consumer.name,
            "version": self._consumer.version,
            "partition": number,
            "topics": list(self._consumer.topics),
        }
        rows = await QUERIES["failed_contacts"].fetch(connection, **of_this)
        self._failed = {(row["topic"], row["account_id"], row["contact_id"]) for row in rows}
        again = await QUERIES["undecided_records"].fetch(connection, **of_this)
        self._undecided = {(row["topic"], row["record_offset"]): row["id"] for row in again}

    def sort(self, records: Sequence[Received | Unread]) -> Sorted:
        """Separate the records to handle from those to hold. A held record holds back only later ones of its contact.

        Raises PartitionStopped if too much would be held.
        """
        found = Sorted(self._consumer, self._failed)
        for record in records:
            self._note_read_again(found, record)
            if isinstance(record, Received):
                self._sort_received(found, record)
            elif self._consumer.aligned:
                self._hold(found, record, record.reason)
            else:
                found.reject.append(record)
        return found

    def _sort_received(self, found: Sorted, record: Received) -> None:
        reason = self._reason(found.failed, record)
        if self._consumer.aligned and is_erasure(record) and reason in (None, EARLIER):
            # An erasure is never held back, even if the code failed on an earlier record.
            found.erase(contact_of(record))
            found.batch.append(record)
        elif reason is None:
            found.batch.append(record)
        else:
            self._hold(found, record, reason)

    def _note_read_again(self, found: Sorted, record: Received | Unread) -> None:
        held_id = self._undecided.get((record.topic, record.offset)) if self._undecided else None
        if held_id is not None:
            found.read_again.add(held_id)
            if isinstance(record, Received):
                record.held_id = held_id  # it has not been handled yet

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
        if found.read_again:
            self._undecided = {
                place: held_id for place, held_id in self._undecided.items() if held_id not in found.read_again
            }


async def count_failed(connection: PoolConnectionProxy, consumer: Consumer, number: int) -> int:
    """Return how many records of contact topics are held because the code failed on them."""
    if not consumer.aligned:
        return 0
    found: int = await QUERIES["count_failed"].fetchval(
        connection, consumer=consumer.name, partition=number, topics=list(consumer.topics)
    )
    return found
