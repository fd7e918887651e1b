"""Decide when a tick runs: once the topics have been consumed to the end that they had when it was due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.bus.record import PartitionId
from shared.retrying import Pauses

LONGEST_PAUSE = 60.0  # seconds; a failure without a record is more often permanent than temporary


@dataclass(slots=True)
class Tick:
    """The tick of one partition number: the ends of topics to pass before it runs, and the delay after a failure."""

    ends: Mapping[PartitionId, int] | None = None
    trouble: str | None = None
    not_before: datetime | None = None
    _pauses: Pauses = field(default_factory=lambda: Pauses(LONGEST_PAUSE))

    def is_due(self, due: datetime | None, now: datetime) -> bool:
        """Return whether the tick should run as soon as the ends have been passed; clear the ends if not."""
        if due is None or due > now or (self.not_before is not None and self.not_before > now):
            self.ends = None
            return False
        return True

    def next_due(self, due: datetime | None) -> datetime | None:
        """Return when to check again, given the time that the handler's `due` returned."""
        return due if due is None or self.not_before is None else max(due, self.not_before)

    def succeeded(self) -> None:
        """Note that the tick has run."""
        self.ends = self.trouble = self.not_before = None
        self._pauses.reset()

    def failed(self, error: BaseException, now: datetime) -> None:
        """Note a failure: the tick is retried after a delay that doubles, and records are processed meanwhile."""
        self.ends = None
        self.trouble = f"its tick fails: {type(error).__name__}"
        self.not_before = now + timedelta(seconds=self._pauses.after_failure())

    def forget(self) -> None:
        """Clear the ends of the topics: the partition is closed, and they may be outdated."""
        self.ends = None
