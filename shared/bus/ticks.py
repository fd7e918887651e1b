"""Decide when a tick runs: once the topics have been consumed to the end that they had when it was due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.bus.record import PartitionId
from shared.retrying import Pauses

LONGEST_PAUSE = 60.0  # seconds; what fails on the clock alone fails for good more often than in passing


@dataclass(slots=True)
class Tick:
    """The tick of one partition number: the ends to pass before it runs, and how long a failing one waits."""

    ends: Mapping[PartitionId, int] | None = None
    trouble: str | None = None
    not_before: datetime | None = None
    _pauses: Pauses = field(default_factory=lambda: Pauses(LONGEST_PAUSE))

    def is_due(self, due: datetime | None, now: datetime) -> bool:
        """Return whether it should run as soon as the ends have been passed; forget the ends if not."""
        if due is None or due > now or (self.not_before is not None and self.not_before > now):
            self.ends = None
            return False
        return True

    def next_due(self, due: datetime | None) -> datetime | None:
        """Return when to look again, given when the handler wants it."""
        return due if due is None or self.not_before is None else max(due, self.not_before)

    def succeeded(self) -> None:
        """Note that the tick has run."""
        self.ends = self.trouble = self.not_before = None
        self._pauses.reset()

    def failed(self, error: BaseException, now: datetime) -> None:
        """Note a failure: the tick runs again after a pause that doubles, and records are processed meanwhile."""
        self.ends = None
        self.trouble = f"its clock fails: {type(error).__name__}"
        self.not_before = now + timedelta(seconds=self._pauses.after_failure())

    def forget(self) -> None:
        """Forget the ends of the topics: the partition is closed, and they may no longer hold."""
        self.ends = None
