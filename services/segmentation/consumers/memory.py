"""What a process holds of one partition number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.segmentation.consumers.registry import Registry
from services.segmentation.domain.account_slice import AccountSlice, Standing
from services.segmentation.domain.parts import Damaged, load
from services.segmentation.store.snapshots import Snapshot
from shared.bus.checkpoints import Checkpoint


@dataclass(slots=True)
class Memory:
    """The slices of a partition number, by account.

    `ready`: the replay is over, and the slices can be asked. `epoch`: the number of the time that they changed hands.
    `origin`: where the image begins, below the checkpoint. `generation` is the registry's that was adopted.
    """

    partition: int
    partitions: int
    epoch: int = 0
    days: Mapping[int, date] = field(default_factory=dict)
    standings: dict[int, dict[UUID, Standing]] = field(default_factory=dict)
    slices: dict[int, AccountSlice] = field(default_factory=dict)
    origin: Mapping[str, Checkpoint] = field(default_factory=dict)
    ready: bool = False
    generation: int = -1
    applied: int = 0
    snapshot_due: datetime | None = None

    def slice(self, account_id: int, zone: ZoneInfo, today: date) -> AccountSlice:
        """The account's slice; made if it is the first time. `today` is its day then, unless it has come further."""
        found = self.slices.get(account_id)
        if found is None:
            kept = self.days.get(account_id)
            day = kept if kept is not None else today
            found = self.slices[account_id] = AccountSlice(account_id, zone, zone.key, day, self.partitions)
            found.day_written = kept is not None
            found.standings = self.standings.pop(account_id, {})
        return found

    def load(self, snapshot: Snapshot, registry: Registry, now: datetime) -> str | None:
        """Put a snapshot into memory; None, or why it cannot be used: memory is half full then."""
        for account_id, zone_name in snapshot.zones.items():
            zone = registry.zone(account_id)
            if zone.key != zone_name:
                return f"account {account_id} had its days in {zone_name}"
            self.slice(account_id, zone, now.astimezone(zone).date())
        try:
            for account_id, part, body in snapshot.parts:
                load(self.slices[account_id].image, part, body)
        except (Damaged, KeyError) as damage:
            return f"damaged: {damage}"
        self.origin = snapshot.offsets
        return None

    def all_standings(self) -> dict[int, dict[UUID, Standing]]:
        """The standings of all accounts, with a slice or without."""
        return self.standings | {account_id: account.standings for account_id, account in self.slices.items()}

    @property
    def pending(self) -> bool:
        """Whether announcements may have to be made still."""
        return any(account.pending for account in self.slices.values())

    def next_day(self) -> datetime | None:
        """When the first of its accounts has another day."""
        return min((account.next_day() for account in self.slices.values()), default=None)
