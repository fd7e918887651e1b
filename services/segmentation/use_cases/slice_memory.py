"""The slices of one partition number in a process's memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.segmentation.domain.account_slice import AccountSlice, Membership
from services.segmentation.domain.snapshot_parts import has_valid_checksum, load
from services.segmentation.store.snapshots import Snapshot
from services.segmentation.use_cases.segment_definitions import SegmentDefinitions
from shared.bus.checkpoints import Checkpoint


@dataclass(slots=True)
class SliceMemory:
    """The slices of a partition number, by account.

    `ready`: the replay is over, and the slices can be queried. `epoch` increases by one each time the slices change
    owner; it fences writes of earlier owners. `origin`: the checkpoint from which records are replayed, that of the
    snapshot or the beginning of the topics. `held`: held records from there on, which were not applied. `generation`:
    the generation of the definitions that were adopted.
    """

    partition: int
    partitions: int
    epoch: int = 0
    days: Mapping[int, date] = field(default_factory=dict)
    memberships: dict[int, dict[UUID, Membership]] = field(default_factory=dict)
    slices: dict[int, AccountSlice] = field(default_factory=dict)
    origin: Mapping[str, Checkpoint] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    held: frozenset[tuple[str, int]] = frozenset()
    ready: bool = False
    generation: int = -1
    applied: int = 0
    snapshot_due: datetime | None = None

    def slice(self, account_id: int, zone: ZoneInfo, today: date) -> AccountSlice:
        """Return the account's slice. A new one begins on the day `today`, unless a later day is stored."""
        account = self.slices.get(account_id)
        if account is None:
            stored_day = self.days.get(account_id)
            day = stored_day if stored_day is not None else today
            first_contact = (self.partition - account_id) % self.partitions
            account = AccountSlice(account_id, zone, zone.key, day, self.partitions, first_contact)
            self.slices[account_id] = account
            account.day_written = stored_day is not None
            account.memberships = self.memberships.pop(account_id, {})
        return account

    def accept(self, snapshot: Snapshot, definitions: SegmentDefinitions) -> str | None:
        """Accept a snapshot that `load` will read; return why it cannot be used, or None."""
        for account_id, zone_name in snapshot.zones.items():
            if definitions.zone(account_id).key != zone_name:
                return f"the time zone of account {account_id} was {zone_name}"
        if not all(has_valid_checksum(body) and account_id in snapshot.zones for account_id, _, body in snapshot.parts):
            return "damaged"
        self.snapshot = snapshot
        self.origin = snapshot.offsets
        return None

    def load(self, definitions: SegmentDefinitions, now: datetime) -> None:
        """Decode the accepted snapshot, unless that was done already. Raises Damaged.

        Call this outside the transaction that fetched the snapshot: decoding the slices of a million contacts takes a
        while, during which the transaction should not stay open.
        """
        snapshot, self.snapshot = self.snapshot, None
        if snapshot is None:
            return
        for account_id in snapshot.zones:
            zone = definitions.zone(account_id)
            self.slice(account_id, zone, now.astimezone(zone).date())
        for account_id, part, body in snapshot.parts:
            load(self.slices[account_id].image, part, body)

    def save_all(self) -> None:
        """Mark all parts as changed, so that the next snapshot is complete."""
        for account in self.slices.values():
            account.image.changed.update(account.image.sizes)

    @property
    def pending(self) -> bool:
        """Whether announcements may still be due."""
        return any(account.pending for account in self.slices.values())

    def next_day(self) -> datetime | None:
        """Return when the next day of one of the accounts begins; None without accounts."""
        return min((account.next_day() for account in self.slices.values()), default=None)
