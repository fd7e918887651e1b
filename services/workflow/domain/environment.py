"""The interface through which a moving run reads facts, definitions and time."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from services.workflow.domain.runs import ConsumedEvent, EffectKind, Run
from services.workflow.domain.steps import Window
from shared.criteria import Criterion


class ConditionResult(NamedTuple):
    """The truth of a criterion for a contact; `explain` returns the values that it read."""

    truth: bool
    explain: Callable[[], dict[str, Any]]


class MissingReference(Exception):
    """A message, label or field that a step needs was deleted: the run fails there."""


class BrokenCondition(Exception):
    """A criterion or a time cannot be evaluated, because something that it names was deleted. The run is blocked."""


class RunEnvironment(Protocol):
    """The facts and definitions that a run depends on."""

    @property
    def now(self) -> datetime:
        """Return the time of this unit of work."""

    def evaluate(self, criterion: Criterion, contact: tuple[int, int], run: UUID | None) -> ConditionResult:
        """Evaluate a criterion for a contact, within a run. Raises BrokenCondition."""

    def changes_at(self, criterion: Criterion, run: Run, after: datetime) -> datetime | None:
        """Return when the criterion may change merely because time passes; None if never. Raises BrokenCondition."""

    def require(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        """Raise MissingReference if the message, label or field of a step was deleted."""

    def content(self, message: UUID, run: Run) -> tuple[int | None, dict[str, str] | None]:
        """Return the revision of a message, and the variant of each of its blocks for the run's contact.

        The revision is None for an unknown message, the content for a message without blocks.
        """

    def why_not_sent(self, run: Run) -> str | None:
        """Return why no message may be sent to the contact; None if it may."""

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        """Return the first moment after `after` with the local time `at` in the account's zone.

        Raises BrokenCondition.
        """

    def next_in_window(self, run: Run, window: Window, after: datetime) -> datetime:
        """Return the first moment at or after `after` in the window. Raises BrokenCondition."""

    def earlier_events(self, run: Run) -> tuple[ConsumedEvent, ...]:
        """Return events of the run's contact that were consumed earlier in this unit, in order."""
