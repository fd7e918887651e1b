"""Models of answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.workflow.store.definitions import StoredVersion
from services.workflow.use_cases.editing import WorkflowState
from services.workflow.use_cases.estimating import Estimate
from shared.criteria import Fault
from shared.events.workflow import Uses

State = Literal["draft", "active", "paused"]
RunState = Literal["running", "blocked", "finished", "exited", "cancelled", "failed", "stopped"]


class BrokenReference(BaseModel):
    """Something that the definition refers to and that was deleted."""

    pointer: str = Field(description="JSON pointer into the workflow.", examples=["/steps/0/send/message"])
    detail: Annotated[str, Field(description="What was deleted.", examples=["the message does not exist"])]


def broken_references(faults: list[Fault]) -> list[BrokenReference]:
    """Return faults as members of an answer."""
    return [BrokenReference(pointer=fault.pointer, detail=fault.detail) for fault in faults]


class Expectation(BaseModel):
    """Estimates of the runs and messages after activating a workflow."""

    runs_at_once: int = Field(
        description="Contacts that are in a segment, or hold a label, of a trigger with `include_existing`.",
        examples=[0],
    )
    messages_at_once: int = Field(description="Maximum number of messages that these runs request.", examples=[0])
    runs_a_week: int = Field(description="Number of runs that would have started in the last 7 days.", examples=[140])
    messages_a_week: int = Field(description="Number of messages that these would have requested.", examples=[140])


# The members of a definition.
Name = Annotated[str, Field(description="The name of the workflow.", examples=["Puppy guide for dog lovers"])]
Version = Annotated[int, Field(description="Increases with every change.", examples=[2])]
Triggers = Annotated[
    list[dict[str, Any]],
    Field(
        description="The events that start a run.",
        examples=[[{"on": "LabelAssigned", "label": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"}]],
    ),
]
Condition = Annotated[
    dict[str, Any] | None, Field(description="The criterion that a contact must satisfy for a run to start.")
]
Reentry = Annotated[
    str,
    Field(
        description="Whether a contact may start it again: `once`, `every_time`, `not_while_running`.",
        examples=["once"],
    ),
]
ExitOn = Annotated[list[dict[str, Any]], Field(description="What ends a run before its last step.")]
WhilePaused = Annotated[
    str,
    Field(
        description="`queue`: events during a pause start runs afterwards; `skip`: they do not.",
        examples=["queue"],
    ),
]
Steps = Annotated[
    list[dict[str, Any]],
    Field(
        description="The steps of a run.",
        examples=[[{"id": "guide", "send": {"message": "0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"}}]],
    ),
]
Age = Annotated[
    dict[str, int], Field(description="The maximum age of an event that starts a run.", examples=[{"days": 1}])
]


class WorkflowAnswer(BaseModel):
    """A workflow: its definition and its state."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[UUID, Field(description="The id of the workflow.", examples=["0190d5ff-1122-7333-8444-556677889900"])]
    name: Name
    version: Version
    state: Annotated[State, Field(description="`active` workflows start runs.", examples=["active"])]
    triggers: Triggers = []
    condition: Condition = None
    reentry: Reentry = "once"
    exit_on: ExitOn = []
    while_paused: WhilePaused = "queue"
    max_event_age: Age = {"days": 1}
    steps: Steps = []
    uses: Annotated[
        Uses,
        Field(
            description="What the definition refers to.",
            examples=[
                {
                    "labels": ["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"],
                    "segments": [],
                    "messages": ["0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"],
                    "fields": [],
                }
            ],
        ),
    ]
    broken: list[BrokenReference] = Field(
        default=[], description="Deleted things that it refers to; empty if there are none."
    )
    runs: dict[str, int] = Field(
        default={},
        description="Numbers of runs by state. `blocked`: waiting until a broken condition is mended. `stopped`: by "
        "the limit on loops of workflows.",
        examples=[{"running": 3, "finished": 128}],
    )
    created_at: datetime
    changed_at: datetime
    expects: Annotated[Expectation | None, Field(description="Estimates; only in the answer to activating.")] = None

    @classmethod
    def of(cls, described: WorkflowState, expected: Estimate | None = None) -> "WorkflowAnswer":
        """Return the answer for a workflow, with the estimate if it was activated."""
        workflow = described.workflow
        return cls(
            id=workflow.workflow_id,
            version=workflow.version,
            state=workflow.state,
            uses=workflow.uses,
            broken=broken_references(described.broken),
            runs=described.runs,
            created_at=workflow.created_at,
            changed_at=workflow.changed_at,
            expects=None if expected is None else Expectation(**expected._asdict()),
            **workflow.body,
        )


class VersionAnswer(BaseModel):
    """A version of a workflow with its definition."""

    model_config = ConfigDict(extra="allow")

    version: Version
    name: Name
    created_at: Annotated[datetime, Field(description="When it was written.", examples=["2026-03-20T11:00:00Z"])]
    triggers: Triggers = []
    condition: Condition = None
    reentry: Reentry = "once"
    exit_on: ExitOn = []
    while_paused: WhilePaused = "queue"
    max_event_age: Age = {"days": 1}
    steps: Steps = []

    @classmethod
    def of(cls, stored: StoredVersion) -> "VersionAnswer":
        """Return the answer for a version."""
        return cls(version=stored.version, created_at=stored.created_at, **stored.body)


# Members of GET that PUT ignores, so that an answer can be sent back.
READ_ONLY = frozenset({"id", "version", "state", "uses", "broken", "runs", "created_at", "changed_at", "expects"})


class TriggerAnswer(BaseModel):
    """The event that started a run."""

    type: Annotated[str, Field(description="The type of the event.", examples=["LabelAssigned"])]
    event_id: UUID
    occurred_at: datetime
    recorded_at: datetime


class WaitingAnswer(BaseModel):
    """The wait of a run."""

    step_id: str
    since: Annotated[datetime, Field(description="When the wait began.")]
    until: Annotated[
        datetime | None,
        Field(
            description="When the wait ends; null if only an event can end it.",
            examples=["2026-03-04T12:00:00Z"],
        ),
    ]


class RunAnswer(BaseModel):
    """A run."""

    id: Annotated[UUID, Field(description="The id of the run.", examples=["0190d600-7788-7999-8aaa-bbccddeeff00"])]
    workflow_id: UUID
    version: Annotated[int, Field(description="The version of the workflow that the run uses.", examples=[2])]
    contact_id: int
    state: Annotated[
        RunState,
        Field(
            description="`blocked`: waiting until a broken condition is mended. `stopped`: by the limit on loops.",
            examples=["finished"],
        ),
    ]
    reason: str | None = Field(description="Why the run ended in this state, if there is a reason.", examples=[None])
    started_at: datetime
    ended_at: datetime | None
    trigger: Annotated[TriggerAnswer, Field(description="The event that started the run.")]
    waiting: Annotated[
        WaitingAnswer | None, Field(description="The wait of the run; null if it does not wait.", examples=[None])
    ]


class StepAnswer(BaseModel):
    """A step that the run took."""

    number: Annotated[int, Field(description="The number of the step in the run, from 1.", examples=[1])]
    id: Annotated[str, Field(description="The id of the step in the workflow.", examples=["guide"])]
    kind: Annotated[str, Field(description="The kind of the step.", examples=["send"])]
    at: Annotated[datetime, Field(description="When the step was taken.", examples=["2026-03-01T12:00:01Z"])]
    saw: dict[str, Any] | None = Field(
        description="The explanation of its condition: every node, its truth, counts, labels.", examples=[None]
    )
    result: Annotated[
        dict[str, Any],
        Field(description="The result of the step.", examples=[{"message_id": "0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"}]),
    ]
    event_id: str = Field(
        description="The event that brought the run to this step.", examples=["0190d501-1a2b-7c3d-8e4f-5a6b7c8d9e0f"]
    )


class StartedRun(BaseModel):
    """A run that an effect of another run started."""

    run_id: UUID
    workflow_id: UUID
    state: Annotated[RunState, Field(description="The state of the run.", examples=["running"])]


class FollowingAnswer(BaseModel):
    """An event that a run caused."""

    type: Annotated[str, Field(description="The type of the event.", examples=["MessageRequested"])]
    event_id: UUID
    step_id: str | None
    causation_id: Annotated[
        str | None,
        Field(description="The event that caused it.", examples=["0190d501-1a2b-7c3d-8e4f-5a6b7c8d9e0f"]),
    ]
    occurred_at: datetime
    requested: bool = Field(
        description="True if the run itself issued it; false for its consequences.", examples=[True]
    )
    started: Annotated[list[StartedRun], Field(description="The runs that it started.", examples=[[]])]


class RunDetail(RunAnswer):
    """A run with all its steps, its cause and its consequences."""

    condition: dict[str, Any] | None = Field(
        description="The explanation of the workflow's condition at the start of the run.", examples=[None]
    )
    caused_by: dict[str, Any] = Field(
        description="The unchanged triggering event, with its correlation id.",
        examples=[{"type": "LabelAssigned", "event_id": "0190d501-1a2b-7c3d-8e4f-5a6b7c8d9e0f"}],
    )
    steps: Annotated[list[StepAnswer], Field(description="The steps taken, in order.")]
    caused: Annotated[list[FollowingAnswer], Field(description="The events that the run caused.")]
    depth: int = Field(
        description="The number of runs that led to this one, each started by an effect of the previous one.",
        examples=[0],
    )


class StepStatistics(BaseModel):
    """Statistics of a step, over all versions of the workflow."""

    id: Annotated[str, Field(description="The id of the step in the workflow.", examples=["guide"])]
    kind: str = Field(
        description="The kind of the step; `removed` if the current version no longer has it.",
        examples=["send"],
    )
    passed: int = Field(description="Runs that have taken the step.", examples=[128])
    waiting: int = Field(description="Runs that wait at the step, or are blocked there.", examples=[0])
    sent: int = Field(description="Messages that the step requested.", examples=[126])
    not_sent: int = Field(
        description="Messages that were not requested, because the contact was not subscribed.", examples=[2]
    )
    clicked: int = Field(description="Runs whose message was clicked by a human.", examples=[54])
    branches: dict[str, int] = Field(description="Runs by the branch that they took: `then`, `else`.", examples=[{}])
