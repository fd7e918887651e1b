"""One transaction: its locks, the events that it appends, and the records that it holds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from shared.correlation import correlation_id
from shared.events.codec import body_of
from shared.events.envelope import CatalogEvent, ContactEvent, Event
from shared.events.topics import CATALOG_PARTITION, partition_of
from shared.store.errors import EventTooLarge, ends_transaction, is_passing
from shared.store.event_rows import Draft, write_events
from shared.store.held import HeldRecord, State, insert_held, release_held
from shared.store.locks import LockClass
from shared.store.queries import queries_of
from shared.tracing import current_traceparent

QUERIES = queries_of(__file__)

# Kafka accepts records of 1 MiB including keys and headers; a refusal would stop the relay permanently.
MAX_BODY_BYTES = 900_000
MAX_DEFINITION_BYTES = 800_000  # the limit for definitions; leaves room for later states, such as a deletion
WAIT_FOR_UNKNOWN = timedelta(minutes=10)

TOMBSTONE = "penchant.Tombstone.v1"


class CausingEvent(Protocol):
    """The event that caused another one."""

    @property
    def event_id(self) -> str: ...
    @property
    def correlation_id(self) -> str | None: ...
    @property
    def trace(self) -> str | None: ...


class RawRecord(Protocol):
    """An unchanged Kafka record, with the account and the contact that it is about, as far as they are known."""

    @property
    def consumer(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...
    @property
    def held_since(self) -> datetime | None: ...


class UnitOfWork:
    """Reads and writes through `connection`, and appends events in the same transaction.

    `partitions` are the partition numbers whose locks it holds; only their events may be appended. `now` is the time of
    the unit. After the block, `positions` has the position of the last event appended of each partition number (-1: the
    catalog), and `position` the highest of them, or None. `failed` are the partition numbers that `isolate` or
    `savepoint` excluded, each with its error.
    """

    def __init__(
        self,
        connection: PoolConnectionProxy,
        partition_count: int,
        before_commit: Callable[[PoolConnectionProxy], Awaitable[None]] | None = None,
    ) -> None:
        self.connection = connection
        self.now = datetime.now(UTC)
        self.positions: dict[int, int] = {}
        self.partitions: tuple[int, ...] = ()
        self.failed: dict[int, Exception] = {}
        self._partition_count = partition_count
        self._before_commit = before_commit
        self._drafts: list[Draft] = []
        self._held: list[HeldRecord] = []
        self._callbacks: list[Callable[[], None]] = []

    @property
    def position(self) -> int | None:
        """The position of the last event appended, or None."""
        return max(self.positions.values(), default=None)

    def number_of(self, account_id: int, contact_id: int) -> int:
        """Return the partition number of a contact."""
        return partition_of(account_id, contact_id, self._partition_count)

    async def lock(self, partitions: Iterable[int]) -> None:
        """Take the locks of `partitions` in ascending order; they are held until the end of the transaction."""
        numbers = sorted(set(partitions))
        if numbers:
            # A separate statement: what a decision depends on must be read by a later one, after waiting for the locks.
            await QUERIES["lock_partitions"].execute(
                self.connection, lock_class=LockClass.PARTITION, partitions=numbers
            )
        self.partitions = tuple(sorted({*self.partitions, *numbers}))

    def withdraw(self, partitions: Iterable[int]) -> None:
        """Exclude partition numbers: nothing can be appended for them any more, although their locks are kept."""
        excluded = set(partitions)
        self.partitions = tuple(partition for partition in self.partitions if partition not in excluded)

    @contextmanager
    def isolate(self, partition: int) -> Iterator[None]:
        """Exclude `partition` if the block fails: the block's events, held records and callbacks are dropped.

        The rest of the unit continues, and the error is in `failed`. The block's writes to the database are not undone,
        so it should write last. An error that ends the transaction is not caught.
        """
        lengths = self._lengths()
        try:
            yield
        except Exception as error:
            if ends_transaction(error):
                raise
            self._exclude(partition, error, lengths)

    @asynccontextmanager
    async def savepoint(self, *partitions: int) -> AsyncIterator[None]:
        """Do the same as `isolate`, and also undo the block's writes to the database; this costs two round trips.

        If the block fails, all of `partitions` are excluded.
        """
        lengths = self._lengths()
        try:
            async with self.connection.transaction():
                yield
        except Exception as error:
            if is_passing(error):
                raise
            for partition in partitions:
                self._exclude(partition, error, lengths)

    def _lengths(self) -> tuple[int, int, int]:
        return len(self._drafts), len(self._held), len(self._callbacks)

    def _exclude(self, partition: int, error: Exception, lengths: tuple[int, int, int]) -> None:
        drafts, held, callbacks = lengths
        del self._drafts[drafts:], self._held[held:], self._callbacks[callbacks:]
        self.failed[partition] = error

    def append(
        self,
        event: Event,
        *,
        cause: CausingEvent | None = None,
        personal: bool = False,
        most_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        """Append an event, to be written at the end of the unit. `personal`: its body can be erased later.

        Events are written in the order of their topics (`WRITING_ORDER`), and within a topic in the order of the calls.
        Raises EventTooLarge if the body has more than `most_bytes` bytes, and ValueError if this unit has not locked
        the event's partition number.
        """
        body = body_of(event)
        _check_size(type(event), body, most_bytes)
        if isinstance(event, ContactEvent):
            partition = partition_of(event.account_id, event.contact_id, self._partition_count)
            contact_id: int | None = event.contact_id
        else:
            partition, contact_id = CATALOG_PARTITION, None
        assert isinstance(event, ContactEvent | CatalogEvent)
        self._check_locked(partition)
        if cause is None:
            correlation, causation, trace = str(correlation_id.get() or event.event_id), None, current_traceparent()
        else:
            correlation, causation, trace = cause.correlation_id or cause.event_id, cause.event_id, cause.trace
        self._drafts.append(
            (
                partition,
                event.topic,
                event.type(),
                event.event_id,
                event.account_id,
                contact_id,
                event.key,
                event.occurred_at,
                correlation,
                causation,
                trace,
                None if personal else body,
                body if personal else None,
            )
        )

    def append_written(
        self,
        model: type[ContactEvent],
        body: bytes,
        event_id: UUID,
        account_id: int,
        contact_id: int,
        occurred_at: datetime,
        cause: CausingEvent,
    ) -> None:
        """Append an event that is already encoded: `body` is its JSON. For thousands of events a second."""
        _check_size(model, body, MAX_BODY_BYTES)
        partition = partition_of(account_id, contact_id, self._partition_count)
        self._check_locked(partition)
        self._drafts.append(
            (
                partition,
                model.topic,
                model.type(),
                event_id,
                account_id,
                contact_id,
                f"{account_id}:{contact_id}",
                occurred_at,
                cause.correlation_id or cause.event_id,
                cause.event_id,
                cause.trace,
                body,
                None,
            )
        )

    def append_tombstone(self, topic: str, account_id: int, contact_id: int) -> None:
        """Append a record without a value, which removes the contact from a compacted topic."""
        partition = partition_of(account_id, contact_id, self._partition_count)
        self._check_locked(partition)
        event_id = uuid7()
        self._drafts.append(
            (partition, topic, TOMBSTONE, event_id, account_id, contact_id, f"{account_id}:{contact_id}", self.now,
             str(correlation_id.get() or event_id), None, None, None, None)
        )  # fmt: skip

    def _check_locked(self, partition: int) -> None:
        if partition not in self.partitions:
            raise ValueError(f"partition {partition} is not locked by this unit of work")

    async def erase_personal(self, account_id: int, contact_id: int) -> None:
        """Blank the bodies of the contact's events that contain personal data."""
        await QUERIES["erase_personal"].execute(self.connection, account_id=account_id, contact_id=contact_id)

    def reject(self, record: RawRecord, reason: str) -> None:
        """Make an intake record that can never be used a dead letter."""
        self._hold(record, "dead", reason, ())

    def hold(self, record: RawRecord, reason: str, waits_for: Sequence[str]) -> None:
        """Hold an intake record that names something unknown; it is retried when one of `waits_for` is released.

        After 10 minutes it becomes a dead letter.
        """
        self._hold(record, "waiting", reason, waits_for)

    def fail(self, record: RawRecord, account_id: int, contact_id: int, reason: str) -> None:
        """Hold a record of a contact topic on which the code failed, until an operator replays it."""
        self._hold(record, "failed", reason, (), account_id, contact_id)

    def _hold(
        self,
        record: RawRecord,
        state: State,
        reason: str,
        waits_for: Sequence[str],
        account_id: int | None = None,
        contact_id: int | None = None,
    ) -> None:
        since = record.held_since or self.now
        self._held.append(
            HeldRecord(
                consumer=record.consumer,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=record.headers,
                account_id=account_id,
                contact_id=contact_id,
                state=state,
                reason=reason,
                waits_for=waits_for,
                held_at=since,
                expires_at=since + WAIT_FOR_UNKNOWN if state == "waiting" else None,
            )
        )

    async def release(self, waits_for: Sequence[str]) -> None:
        """Release records that are held for any of these keys, once this unit is committed."""
        await release_held(self.connection, waits_for)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the transaction is committed; not at all if it is rolled back."""
        self._callbacks.append(callback)

    async def flush(self) -> None:
        """Write the events and the held records; called at the end of the block."""
        held, self._held = self._held, []
        await insert_held(self.connection, held)
        drafts, self._drafts = self._drafts, []
        if drafts:
            if self._before_commit is not None:
                await self._before_commit(self.connection)
            self.positions |= await write_events(self.connection, drafts)

    def committed(self) -> None:
        """Run the callbacks."""
        for callback in self._callbacks:
            callback()


def _check_size(model: type[Event], body: bytes, most_bytes: int) -> None:
    if len(body) > most_bytes:
        raise EventTooLarge(f"{model.name} has {len(body)} bytes; the limit is {most_bytes}")
