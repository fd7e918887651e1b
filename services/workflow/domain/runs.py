"""A run: one contact's transition through a workflow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.events.envelope import ContactEvent
from shared.events.labeling import Scalar

State = Literal["running", "blocked", "finished", "exited", "cancelled", "failed", "stopped"]
OPEN_STATES: frozenset[State] = frozenset({"running", "blocked"})
EffectKind = Literal["send", "assign_label", "remove_label", "set_field"]


@dataclass(frozen=True, slots=True)
class Causation:
    """The event that moved a run last: what the run does now follows from it. Ids as they stand in the headers."""

    event_id: str
    correlation_id: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class ConsumedEvent:
    """An event as it was consumed. `causation` names the event that it follows from, as in the headers."""

    event: ContactEvent
    recorded_at: datetime
    cause: Causation
    causation: str | None = None

    @property
    def causation_id(self) -> UUID | None:
        """The event that it follows from; None if the header is missing or names no event of ours."""
        try:
            return None if self.causation is None else UUID(self.causation)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run is.

    `running`: it waits at `step_id`, where it has been since `since` (its own clock, see `progress`), until `due_at`.
    `blocked`: it waits at `step_id` until the condition that it met there is mended. The others are ends: `finished`
    came to the end, `exited` by a step or an exit rule, `cancelled` from outside (by hand, with the contact or the
    workflow), `failed` at `step_id`, which can be tried again, `stopped` by the limit on loops.
    `taken` are the events that it has used up: the one that started it, what that one follows from, and what ended
    its waits. `depth` is how many runs led to this one, each started by what the one before did.
    """

    run_id: UUID
    workflow_id: UUID
    version: int
    account_id: int
    contact_id: int
    state: State
    step_id: str | None
    since: datetime
    due_at: datetime | None
    steps_taken: int
    taken: tuple[UUID, ...]
    trigger_type: str
    trigger_event: UUID
    trigger_occurred_at: datetime
    trigger_recorded_at: datetime
    depth: int
    started_at: datetime
    cause: Causation
    ended_at: datetime | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Return True if the run has not ended."""
        return self.state in OPEN_STATES

    @property
    def contact(self) -> tuple[int, int]:
        """Account and contact."""
        return self.account_id, self.contact_id


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that a run has taken: when, what it saw, with what result. `number` counts from 1 within the run."""

    number: int
    step_id: str
    kind: str
    at: datetime
    saw: dict[str, Any] | None
    result: dict[str, Any]
    cause: Causation


@dataclass(frozen=True, slots=True)
class Effect:
    """A request of a step to another service. `subject` is a message, a label, or a field's key.

    `revision` and `content` are those of a message: see `RunEnvironment.content`.
    """

    kind: EffectKind
    step_id: str
    number: int
    subject: UUID | str
    value: Scalar | None
    cause: Causation
    revision: int | None = None
    content: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A run after it has moved, the steps that it took, what these ask for; at its start, what its condition saw."""

    run: Run
    steps: tuple[StepTaken, ...] = ()
    effects: tuple[Effect, ...] = ()
    saw: dict[str, Any] | None = None
