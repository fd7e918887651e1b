"""A run: one contact's passage through a workflow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.events.envelope import ContactEvent
from shared.events.labeling import Scalar

State = Literal["running", "blocked", "finished", "exited", "cancelled", "failed", "stopped"]
OPEN_STATES: frozenset[State] = frozenset({"running", "blocked"})
EffectKind = Literal["send", "assign_label", "remove_label", "set_field"]
# `then` and `else` are branches, `done` is any other step that a run passed; `ended`: a criterion ended the run there.
Outcome = Literal["sent", "not_sent", "then", "else", "done", "failed", "ended"]
PASSED: tuple[Outcome, ...] = ("sent", "not_sent", "then", "else", "done")


@dataclass(frozen=True, slots=True)
class Causation:
    """The event that last moved a run, which causes the run's present effects. Ids are in the form of the headers."""

    event_id: str
    correlation_id: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class ConsumedEvent:
    """A consumed event. `causation` names the event that caused it, as in the headers."""

    event: ContactEvent
    recorded_at: datetime
    cause: Causation
    causation: str | None = None

    @property
    def causation_id(self) -> UUID | None:
        """The id of the event that caused it; None if the header is missing or is not the id of one of our events."""
        try:
            return None if self.causation is None else UUID(self.causation)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Run:
    """The state of a run.

    `running`: it waits at `step_id` since `since` (its own clock, see `progress`) until `due_at`. `blocked`: it waits
    at `step_id` until the broken condition there is mended. The other states are final: `finished` reached the end,
    `exited` by a step or an exit rule, `cancelled` by a person or because the contact or the workflow was deleted,
    `failed` at `step_id`, which can be retried, `stopped` by the limit on loops. `taken` are the events that it has
    used: the one that started it, the cause of that one, and those that ended its waits. `depth` is the number of runs
    that led to this one, each started by an effect of the previous one.
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
        """The ids of the account and the contact."""
        return self.account_id, self.contact_id


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that a run took, with its time, the values read and the result. `number` counts from 1 within the run."""

    number: int
    step_id: str
    kind: str
    at: datetime
    saw: dict[str, Any] | None
    result: dict[str, Any]
    cause: Causation

    @property
    def outcome(self) -> Outcome:
        """Return the result in one word."""
        if self.kind == "exit_on":
            return "ended"
        if "failed" in self.result:
            return "failed"
        if "idempotency_key" in self.result:
            return "sent"
        if "not_sent" in self.result:
            return "not_sent"
        branch: Outcome = self.result.get("branch", "done")
        return branch


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
    """A run after it has moved, the steps taken and their effects; at its start, the values that its condition read."""

    run: Run
    steps: tuple[StepTaken, ...] = ()
    effects: tuple[Effect, ...] = ()
    saw: dict[str, Any] | None = None
