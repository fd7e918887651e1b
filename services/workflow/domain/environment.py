"""What a run needs to know of everything else while it moves."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from services.workflow.domain.runs import ConsumedEvent, EffectKind, Run
from services.workflow.domain.steps import Window
from shared.criteria import Criterion


class ConditionResult(NamedTuple):
    """Whether a criterion is true of a contact; `explain` returns what it saw."""

    truth: bool
    explain: Callable[[], dict[str, Any]]


class MissingReference(Exception):
    """A message, label or field that a step needs was deleted: the run fails there."""


class BrokenCondition(Exception):
    """A criterion or a time cannot be evaluated, because something that it names is gone. The run waits there."""


class RunEnvironment(Protocol):
    """The facts and definitions that a run depends on."""

    @property
    def now(self) -> datetime:
        """Return the time of this unit of work."""

    def judge(self, criterion: Criterion, contact: tuple[int, int], run: UUID | None) -> ConditionResult:
        """Evaluate a criterion for a contact, within a run. Raises BrokenCondition."""

    def changes_at(self, criterion: Criterion, run: Run, after: datetime) -> datetime | None:
        """Return when the criterion may change its value by time alone; None if it does not. Raises BrokenCondition."""

    def need(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        """Raise MissingReference if the message, label or field of a step was deleted."""

    def content(self, message: UUID, run: Run) -> tuple[int | None, dict[str, str] | None]:
        """Return the revision of a message, and the variant of each of its blocks for the run's contact.

        The revision is None for a message that is not known, the content for one without blocks.
        """

    def why_not_sent(self, run: Run) -> str | None:
        """Return why nothing may be sent to the contact; None if it may."""

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        """Return the first moment after `after` at which it is `at` in the account's zone. Raises BrokenCondition."""

    def in_window(self, run: Run, window: Window, after: datetime) -> datetime:
        """Return the first moment at or after `after` that lies in the window. Raises BrokenCondition."""

    def earlier(self, run: Run) -> tuple[ConsumedEvent, ...]:
        """Return events of the run's contact that were consumed in this unit before, in order."""
