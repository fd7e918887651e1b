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

PIECE = 2_000  # announcements in one piece that no event has caused
AHEAD = timedelta(minutes=6)  # clicks up to 5 minutes in the future are accepted, and may belong to the next day
MOST_DELAY = 1.0  # seconds that the relay may be behind during bulk work
WAIT_FOR_RELAY = timedelta(milliseconds=200)


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
        self._changed: list[Callable[[], None]] = []
        self._distrusted: set[int] = set()
        definitions.on_change(lambda: self.due_changed())
        if campaigns is not None:
            campaigns.on_change(lambda: self.due_changed())

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever counts may have changed."""
        self._changed.append(callback)

    # SliceMemory, from its snapshot to the checkpoint

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        await self.definitions.refresh()
        epoch = await take_slices(work.connection, partition, self._url)
        days = await read_days(work.connection, partition)
        memberships = await read_memberships(work.connection, partition, self._partitions)
        memory = SliceMemory(partition, self._partitions, epoch, days, memberships)
        memory.held = await read_held(work.connection, partition, self._reader)
        now = self._clock()
        snapshot = await read_snapshot(work.connection, partition, self._reader, now)
        trouble = "there is none" if snapshot is None else memory.accept(snapshot, self.definitions)
        if trouble is not None or partition in self._distrusted:
            log.info("the image is built from the topics", partition=partition, snapshot=trouble)
            await forget_snapshot(work.connection, partition)
            memory.origin = {topic: Checkpoint(0, 0) for topic in TOPICS}
            memory.snapshot = None
        memory.snapshot_due = self._next_snapshot(partition, now)
        self.memories[partition] = memory

    def _next_snapshot(self, partition: int, now: datetime) -> datetime:
        # Spread over the partition numbers, so that they do not all write at the same time.
        return now + self._snapshot_every * (1 + partition / self._partitions)

    async def replay_from(self, work: UnitOfWork, partition: int) -> Mapping[str, Checkpoint] | None:
        return self.memories[partition].origin

    async def replay(self, partition: int, batch: Sequence[Received]) -> None:
        memory = self._loaded(partition)
        applied = [one for one in batch if (one.topic, one.offset) not in memory.held] if memory.held else batch
        for account_id, events in _by_account(applied).items():
            account = await self._slice(memory, account_id)
            account.replay(_contact_events(events))
        memory.applied += len(batch)

    def _loaded(self, partition: int) -> SliceMemory:
        memory = self.memories[partition]
        try:
            memory.load(self.definitions, self._clock())
        except Damaged as damaged:
            # Its checksums were right, so another version of the program wrote it.
            self._distrusted.add(partition)
            raise Fenced(f"snapshot of {partition} not understood: {damaged}") from damaged
        return memory

    def caught_up(self, partition: int) -> None:
        memory = self._loaded(partition)
        self._distrusted.discard(partition)
        for account_id in list(memory.memberships):
            # All its contacts were removed by compaction, or there never were any; its segments may still be queried.
            zone = self.definitions.zone(account_id)
            memory.slice(account_id, zone, self._clock().astimezone(zone).date())
        memory.ready = True
        log.debug("slices are current", partition=partition, accounts=len(memory.slices), replayed=memory.applied)

    def dropped(self, partition: int) -> None:
        self.memories.pop(partition, None)
        if self._campaigns is not None:
            self._campaigns.dropped(partition)

    # Events, days, definitions

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        numbers = dict(by_partition(batch))
        epochs = await read_epochs(work.connection, numbers)
        for partition, records in numbers.items():
            with work.isolate(partition):
                memory = self.memories[partition]
                if epochs.get(partition) != memory.epoch:
                    # The checkpoint does not show this: the new owner may have announced for a new day without moving
                    # it.
                    raise Fenced("another process holds the slices")
                await self._fold(work, memory, records)
        self._notify_after_commit(work)

    async def _fold(self, work: UnitOfWork, memory: SliceMemory, batch: Sequence[Received]) -> None:
        if any(one.held_since is not None for one in batch):
            # A released record from before the snapshot's checkpoint: older snapshots must not be used any more.
            await forget_snapshot(work.connection, memory.partition)
            memory.save_all()
        touched: list[AccountSlice] = []
        for account_id, received in _by_account(batch).items():
            account = await self._slice(memory, account_id)
            touched.append(account)
            definitions = self.definitions.of_account(account_id)
            self._check_zone(account, definitions.zone)
            account.adopt(definitions)
            newest = self._newest_day(account, received)
            if newest > account.image.day:
                account.pass_to(newest, definitions)
                await self._announce(work, memory.partition, account, account.drain(definitions, PIECE))
            moves = account.fold(_contact_events(received), definitions)
            await self._announce(work, memory.partition, account, moves, received)
            if erased := _erased(received):
                await blank_answers(work.connection, account_id, erased)
        memory.applied += len(batch)
        _report_failures(touched)
        await write_changes(work.connection, memory.partition, touched)

    async def _slice(self, memory: SliceMemory, account_id: int) -> AccountSlice:
        if account_id not in memory.slices and not self.definitions.knows(account_id):
            await self.definitions.refresh()
        zone = self.definitions.zone(account_id)
        return memory.slice(account_id, zone, self._clock().astimezone(zone).date())

    def _newest_day(self, account: AccountSlice, received: Sequence[Received]) -> int:
        latest = account.days.of(self._clock() + AHEAD)
        return min(latest, account.days.of(max(map(_occurred_at, received))))

    def _check_zone(self, account: AccountSlice, zone: str) -> None:
        if account.zone_name != zone:
            # All its days have changed. The partition is opened again, and rejects the snapshot because of the time
            # zone.
            raise Fenced(f"account {account.account_id} has moved to {zone}")

    def due(self, partition: int) -> datetime | None:
        memory = self.memories.get(partition)
        if memory is None:
            return None
        if memory.generation != self.definitions.generation:
            return IMMEDIATELY
        if memory.pending or (self._campaigns is not None and self._campaigns.due(partition)):
            return IMMEDIATELY if self._delay() < MOST_DELAY else self._clock() + WAIT_FOR_RELAY
        moments = [moment for moment in (memory.next_day(), memory.snapshot_due) if moment is not None]
        return min(moments) if moments else None

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        memory = self.memories[partition]
        await check_owner(work.connection, partition, memory.epoch)
        generation = self.definitions.generation
        slices = list(memory.slices.values())
        left = PIECE
        for account in slices:
            definitions = self.definitions.of_account(account.account_id)
            self._check_zone(account, definitions.zone)
            account.adopt(definitions)
            account.pass_to(account.days.of(now), definitions)
            if left > 0 and account.pending and self._delay() < MOST_DELAY:
                left -= await self._announce(work, partition, account, account.drain(definitions, left))
        if self._campaigns is not None and self._delay() < MOST_DELAY:
            left -= await self._campaigns.advance(work, partition, memory.slices, max(left, 0), now)
        _report_failures(slices)
        await write_changes(work.connection, partition, slices)
        memory.generation = generation
        if memory.snapshot_due is not None and memory.snapshot_due <= now and left == PIECE:
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
        # A contact of the slice: account + contact is the partition number, modulo the number of them.
        rest = (partition - account.account_id) % self._partitions
        now = self._clock()
        count = 0
        async for move in yielding(moves):
            if causes is None:
                causes = {one.event.contact_id: one for one in received}
            contact_id = move.contact * self._partitions + rest
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
        for callback in self._changed:
            work.after_commit(callback)


def _report_failures(slices: Iterable[AccountSlice]) -> None:
    for account in slices:
        for segment_id, failure in account.failures.items():
            log.error("segment cannot be evaluated", segment_id=str(segment_id), failure=failure)
        account.failures.clear()


_event = attrgetter("event")
_occurred_at = attrgetter("event.occurred_at")


def _by_account(batch: Sequence[Received]) -> dict[int, list[Received]]:
    found: dict[int, list[Received]] = {}
    for received in batch:
        # A tombstone follows the event of the erasure and adds nothing to it.
        if not isinstance(received.event, Tombstone):
            found.setdefault(received.event.account_id, []).append(received)
    return found


def _erased(received: Sequence[Received]) -> list[int]:
    events = [one.event for one in received]
    return [event.contact_id for event in events if isinstance(event, ContactChanged) and event.state == "erased"]


def _contact_events(received: Sequence[Received]) -> list[ContactEvent]:
    return list(map(_event, received))
