"""What the endpoints answer."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.workflow.use_cases.editing import WorkflowState
from services.workflow.use_cases.estimating import Estimate
from shared.criteria import Fault
from shared.events.workflow import Uses

State = Literal["draft", "active", "paused"]
RunState = Literal["running", "blocked", "finished", "exited", "cancelled", "failed", "stopped"]


class BrokenReference(BaseModel):
    """Something that the definition names and that is gone."""

    pointer: str = Field(description="JSON pointer into the workflow.")
    detail: str


def broken_references(faults: list[Fault]) -> list[BrokenReference]:
    """Shape faults."""
    return [BrokenReference(pointer=fault.pointer, detail=fault.detail) for fault in faults]


class Expectation(BaseModel):
    """What activating may mean, in runs and messages."""

    runs_at_once: int = Field(
        description="Contacts that are in a segment, or hold a label, of a trigger with `include_existing`."
    )
    messages_at_once: int = Field(description="As many messages as these runs ask for at most.")
    runs_a_week: int = Field(description="How many would have started in the last 7 days.")
    messages_a_week: int = Field(description="How many messages these would have asked for.")


class WorkflowAnswer(BaseModel):
    """A workflow: its definition, with what the service knows of it beside."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    name: str
    version: int
    state: State
    triggers: list[dict[str, Any]] = []
    condition: dict[str, Any] | None = None
    reentry: str = "once"
    exit_on: list[dict[str, Any]] = []
    while_paused: str = "queue"
    max_event_age: dict[str, int] = Field(default={"days": 1}, description="How old an event may be to start a run.")
    steps: list[dict[str, Any]] = []
    uses: Uses
    broken: list[BrokenReference] = Field(default=[], description="What it names and is gone; empty if all is well.")
    runs: dict[str, int] = Field(
        default={},
        description="How many runs there are, by state. `blocked`: they wait until a broken condition is mended. "
        "`stopped`: by the limit on workflows in a loop.",
    )
    created_at: datetime
    changed_at: datetime
    expects: Expectation | None = None

    @classmethod
    def of(cls, found: WorkflowState, expected: Estimate | None = None) -> "WorkflowAnswer":
        """Shape a workflow, with the estimate made when it is activated."""
        workflow = found.workflow
        return cls(
            id=workflow.workflow_id,
            version=workflow.version,
            state=workflow.state,
            uses=workflow.uses,
            broken=broken_references(found.broken),
            runs=found.runs,
            created_at=workflow.created_at,
            changed_at=workflow.changed_at,
            expects=None if expected is None else Expectation(**expected._asdict()),
            **workflow.body,
        )


# What GET answers and PUT passes over, so that what was read can be sent back.
READ_ONLY = frozenset({"id", "version", "state", "uses", "broken", "runs", "created_at", "changed_at", "expects"})


class TriggerAnswer(BaseModel):
    """The event that started a run."""

    type: str
    event_id: UUID
    occurred_at: datetime
    recorded_at: datetime


class WaitingAnswer(BaseModel):
    """Where a run waits."""

    step_id: str
    since: datetime
    until: datetime | None


class RunAnswer(BaseModel):
    """A run."""

    id: UUID
    workflow_id: UUID
    version: int
    contact_id: int
    state: RunState
    reason: str | None = Field(description="Why it ended as it did, where there is something to say.")
    started_at: datetime
    ended_at: datetime | None
    trigger: TriggerAnswer
    waiting: WaitingAnswer | None


class StepAnswer(BaseModel):
    """A step that was taken."""

    number: int
    id: str
    kind: str
    at: datetime
    saw: dict[str, Any] | None = Field(description="What its condition saw: every node, its truth, counts, labels.")
    result: dict[str, Any]
    event_id: str = Field(description="The event from which the run came to this step.")


class StartedRun(BaseModel):
    """A run that was started by what another one did."""

    run_id: UUID
    workflow_id: UUID
    state: RunState


class FollowingAnswer(BaseModel):
    """An event that followed from a run."""

    type: str
    event_id: UUID
    step_id: str | None
    causation_id: str | None
    occurred_at: datetime
    requested: bool = Field(description="Asked for by the run itself; false for what came of it.")
    started: list[StartedRun]


class RunDetail(RunAnswer):
    """A run with every step taken, what caused it and what it caused."""

    condition: dict[str, Any] | None = Field(description="What the workflow's condition saw when the run started.")
    caused_by: dict[str, Any] = Field(description="The triggering event, as it came, with its correlation id.")
    steps: list[StepAnswer]
    caused: list[FollowingAnswer]
    depth: int = Field(description="How many runs led to this one, each started by what the one before did.")


class StepStatistics(BaseModel):
    """What happened at a step, over all versions of the workflow."""

    id: str
    kind: str = Field(description="The kind of the step; `removed` if the current version does not have it any more.")
    passed: int = Field(description="Runs that have taken the step.")
    waiting: int = Field(description="Runs that wait at the step, or are blocked there.")
    sent: int = Field(description="Messages that the step has asked for.")
    not_sent: int = Field(description="Messages not asked for, because the contact may not be sent to.")
    clicked: int = Field(description="Runs whose message was clicked by a human.")
    branches: dict[str, int] = Field(description="Runs by the branch by which they left: `then`, `else`.")
