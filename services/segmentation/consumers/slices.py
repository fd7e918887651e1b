"""The handler that folds the contact topics into slices, and announces entries and exits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import structlog

from services.segmentation.domain.account_slice import AccountSlice, Move
from services.segmentation.domain.snapshot_parts import Damaged
from services.segmentation.store.memberships import read_days, read_memberships, write_changes, write_members
from services.segmentation.store.owners import check_owner, read_epochs, take_slices
from services.segmentation.store.snapshots import Reader, forget_snapshot, read_held, read_snapshot, write_snapshot
from services.segmentation.use_cases.campaign_slices import CampaignSlices
from services.segmentation.use_cases.segment_definitions import SegmentDefinitions
from services.segmentation.use_cases.slice_memory import SliceMemory
from shared.bus.checkpoints import Checkpoint
from shared.bus.handler import IMMEDIATELY, Handler
from shared.bus.received import Received, by_partition
from shared.events.codec import Tombstone
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.idempotency.claims import blank_answers
from shared.store.errors import Fenced
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

log = structlog.get_logger()

CONSUMER = "segmentation"
VERSION = 1
TOPICS = ("labeling.contacts", "labeling.engagements", "labeling.labels", "tracking.clicks")

MAX_ANNOUNCEMENTS = 2_000  # announcements that no event has caused, in one piece of work
# Clicks up to 5 minutes in the future are accepted, and may belong to the next day.
FUTURE_TOLERANCE = timedelta(minutes=6)
MAX_RELAY_DELAY = 1.0  # seconds that the relay may be behind during bulk work
WAIT_FOR_RELAY = timedelta(milliseconds=200)  # until the delay is checked again


class SliceHandler(Handler):
    """Holds the `memories` of the partition numbers that this process owns.

    `url` is the URL at which other processes of the service reach it. `clock` decides when days begin. `delay` returns
    how many seconds the relay is behind. Snapshots are taken every `snapshot_every` if something has changed.
    """

    def __init__(
        self,
        definitions: SegmentDefinitions,
        partitions: int,
        url: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        delay: Callable[[], float] = lambda: 0.0,
        snapshot_every: timedelta = timedelta(minutes=2),
        campaigns: CampaignSlices | None = None,
    ) -> None:
        self.definitions = definitions
        self.memories: dict[int, SliceMemory] = {}
        self._partitions = partitions
        self._url = url
        self._clock = clock
        self._delay = delay
        self._snapshot_every = snapshot_every
        self._campaigns = campaigns
        self._reader = Reader(CONSUMER, VERSION, partitions)
        self._callbacks: list[Callable[[], None]] = []
        self._rejected_snapshots: set[int] = set()
        definitions.on_change(lambda: self.due_changed())
        if campaigns is not None:
            campaigns.on_change(lambda: self.due_changed())

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever counts may have changed."""
        self._callbacks.append(callback)

    # Opening a partition number: from the snapshot to the checkpoint

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        await self.definitions.refresh()
        epoch = await take_slices(work.connection, partition, self._url)
        days = await read_days(work.connection, partition)
        memberships = await read_memberships(work.connection, partition, self._partitions)
        memory = SliceMemory(partition, self._partitions, epoch, days, memberships)
        memory.held = await read_held(work.connection, partition, self._reader)
        now = self._clock()
        snapshot = await read_snapshot(work.connection, partition, self._reader, now)
        unusable = "none" if snapshot is None else memory.accept(snapshot, self.definitions)
        if unusable is not None or partition in self._rejected_snapshots:
            log.info("rebuilding the image from the topics", partition=partition, snapshot=unusable)
            await forget_snapshot(work.connection, partition)
            memory.origin = {topic: Checkpoint(0, 0) for topic in TOPICS}
            memory.snapshot = None
        memory.snapshot_due = self._next_snapshot(partition, now)
        self.memories[partition] = memory

    def _next_snapshot(self, partition: int, now: datetime) -> datetime:
        # Longer for higher partition numbers, so that they do not all write at the same time.
        return now + self._snapshot_every * (1 + partition / self._partitions)

    async def replay_from(self, work: UnitOfWork, partition: int) -> Mapping[str, Checkpoint] | None:
        return self.memories[partition].origin

    async def replay(self, partition: int, batch: Sequence[Received]) -> None:
        memory = self._loaded_memory(partition)
        applied = (
            [record for record in batch if (record.topic, record.offset) not in memory.held] if memory.held else batch
        )
        for account_id, events in _by_account(applied).items():
            account = await self._slice(memory, account_id)
            account.replay(_contact_events(events))
        memory.applied += len(batch)

    def _loaded_memory(self, partition: int) -> SliceMemory:
        memory = self.memories[partition]
        try:
            memory.load(self.definitions, self._clock())
        except Damaged as damaged:
            # The checksums were right, so another version of the program wrote the snapshot.
            self._rejected_snapshots.add(partition)
            raise Fenced(f"the snapshot of partition {partition} cannot be read: {damaged}") from damaged
        return memory

    def caught_up(self, partition: int) -> None:
        memory = self._loaded_memory(partition)
        self._rejected_snapshots.discard(partition)
        for account_id in list(memory.memberships):
            # The account has no contacts here: compaction removed their records, or there never were any. Its segments
            # may still be queried.
            zone = self.definitions.zone(account_id)
            memory.slice(account_id, zone, self._clock().astimezone(zone).date())
        memory.ready = True
        log.debug("slices are up to date", partition=partition, accounts=len(memory.slices), replayed=memory.applied)

    def dropped(self, partition: int) -> None:
        self.memories.pop(partition, None)
        if self._campaigns is not None:
            self._campaigns.dropped(partition)

    # Events, days and definitions

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        records_by_partition = dict(by_partition(batch))
        epochs = await read_epochs(work.connection, records_by_partition)
        for partition, records in records_by_partition.items():
            with work.isolate(partition):
                memory = self.memories[partition]
                if epochs.get(partition) != memory.epoch:
                    # Comparing checkpoints would not be enough: the new owner may have announced the moves of a new
                    # day, which leaves the checkpoint unchanged.
                    raise Fenced("another process holds the slices")
                await self._fold(work, memory, records)
        self._notify_after_commit(work)

    async def _fold(self, work: UnitOfWork, memory: SliceMemory, batch: Sequence[Received]) -> None:
        if any(record.held_since is not None for record in batch):
            # A held record was released. It is below the checkpoint of the snapshot, which does not contain it, so the
            # snapshot must not be used any more.
            await forget_snapshot(work.connection, memory.partition)
            memory.save_all()
        slices: list[AccountSlice] = []
        left = MAX_ANNOUNCEMENTS
        for account_id, received in _by_account(batch).items():
            account = await self._slice(memory, account_id)
            slices.append(account)
            definitions = self.definitions.of_account(account_id)
            self._check_zone(account, definitions.zone)
            account.adopt(definitions)
            newest = self._newest_day(account, received)
            if newest > account.image.day:
                account.advance_to(newest, definitions)
                # What remains is announced by ticks.
                left -= await self._announce(work, memory.partition, account, account.drain(definitions, left))
            moves = account.fold(_contact_events(received), definitions)
            await self._announce(work, memory.partition, account, moves, received)
            if erased := _erased_contacts(received):
                await blank_answers(work.connection, account_id, erased)
        memory.applied += len(batch)
        _report_failures(slices)
        await write_changes(work.connection, memory.partition, slices)

    async def _slice(self, memory: SliceMemory, account_id: int) -> AccountSlice:
        if account_id not in memory.slices and not self.definitions.knows(account_id):
            await self.definitions.refresh()
        zone = self.definitions.zone(account_id)
        return memory.slice(account_id, zone, self._clock().astimezone(zone).date())

    def _newest_day(self, account: AccountSlice, received: Sequence[Received]) -> int:
        last_possible = account.days.of(self._clock() + FUTURE_TOLERANCE)
        return min(last_possible, account.days.of(max(map(_occurred_at, received))))

    def _check_zone(self, account: AccountSlice, zone: str) -> None:
        if account.zone_name != zone:
            # The account's events may now belong to other days. Fenced makes the consumer open the partition again,
            # and `SliceMemory.accept` then rejects the snapshot because of the time zone.
            raise Fenced(f"the time zone of account {account.account_id} is now {zone}")

    def due(self, partition: int) -> datetime | None:
        memory = self.memories.get(partition)
        if memory is None:
            return None
        if memory.generation != self.definitions.generation:
            return IMMEDIATELY
        if memory.pending or (self._campaigns is not None and self._campaigns.due(partition)):
            return IMMEDIATELY if self._delay() < MAX_RELAY_DELAY else self._clock() + WAIT_FOR_RELAY
        moments = [moment for moment in (memory.next_day(), memory.snapshot_due) if moment is not None]
        return min(moments) if moments else None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        memory = self.memories[partition]
        await check_owner(work.connection, partition, memory.epoch)
        generation = self.definitions.generation
        slices = list(memory.slices.values())
        remaining = MAX_ANNOUNCEMENTS
        for account in slices:
            definitions = self.definitions.of_account(account.account_id)
            self._check_zone(account, definitions.zone)
            account.adopt(definitions)
            account.advance_to(account.days.of(now), definitions)
            if remaining > 0 and account.pending and self._delay() < MAX_RELAY_DELAY:
                remaining -= await self._announce(work, partition, account, account.drain(definitions, remaining))
        if self._campaigns is not None and self._delay() < MAX_RELAY_DELAY:
            remaining -= await self._campaigns.advance(work, partition, memory.slices, max(remaining, 0), now)
        _report_failures(slices)
        await write_changes(work.connection, partition, slices)
        memory.generation = generation
        if memory.snapshot_due is not None and memory.snapshot_due <= now and remaining == MAX_ANNOUNCEMENTS:
            await self._save(work, memory, now)
        self._notify_after_commit(work)

    async def _save(self, work: UnitOfWork, memory: SliceMemory, now: datetime) -> None:
        slices = list(memory.slices.values())
        if any(account.image.changed for account in slices):
            written = await write_snapshot(work.connection, memory.partition, self._reader, slices, now)
            log.debug("snapshot", partition=memory.partition, bytes=written)
        await write_members(work.connection, memory.partition, slices)
        memory.snapshot_due = self._next_snapshot(memory.partition, now)

    async def _announce(
        self,
        work: UnitOfWork,
        partition: int,
        account: AccountSlice,
        moves: Iterable[Move],
        received: Sequence[Received] = (),
    ) -> int:
        causes: dict[int, Received] | None = None
        # Contact ids of the slice: account + contact is the partition number, modulo the number of partitions.
        first_contact = (partition - account.account_id) % self._partitions
        now = self._clock()
        count = 0
        async for move in yielding(moves):
            if causes is None:
                causes = {record.event.contact_id: record for record in received}
            contact_id = move.contact * self._partitions + first_contact
            cause = causes.get(contact_id)
            event = (SegmentEntered if move.enters else SegmentLeft)(
                occurred_at=now,
                account_id=account.account_id,
                contact_id=contact_id,
                segment_id=move.segment_id,
                segment_name=self.definitions.name(move.segment_id),
                reason=move.reason,
                caused_at=None if cause is None else cause.event.occurred_at,
                history=None if cause is None else getattr(cause.event, "history", None),
            )
            work.append(event, cause=cause)
            count += 1
        return count

    def _notify_after_commit(self, work: UnitOfWork) -> None:
        for callback in self._callbacks:
            work.after_commit(callback)


def _report_failures(slices: Iterable[AccountSlice]) -> None:
    for account in slices:
        for segment_id, failure in account.failures.items():
            log.error("segment cannot be evaluated", segment_id=str(segment_id), failure=failure)
        account.failures.clear()


_event = attrgetter("event")
_occurred_at = attrgetter("event.occurred_at")


def _by_account(batch: Sequence[Received]) -> dict[int, list[Received]]:
    by_account: dict[int, list[Received]] = {}
    for received in batch:
        # A tombstone follows the event of an erasure and has no further information.
        if not isinstance(received.event, Tombstone):
            by_account.setdefault(received.event.account_id, []).append(received)
    return by_account


def _erased_contacts(received: Sequence[Received]) -> list[int]:
    events = [record.event for record in received]
    return [event.contact_id for event in events if isinstance(event, ContactChanged) and event.state == "erased"]


def _contact_events(received: Sequence[Received]) -> list[ContactEvent]:
    return list(map(_event, received))
