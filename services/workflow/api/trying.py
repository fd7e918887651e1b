"""Trying a workflow: on one contact now, or on the last days; nothing is done."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from uuid_utils.compat import uuid7

from services.workflow.api.models import BrokenReference
from services.workflow.api.past import play_the_past
from services.workflow.api.service import Workflows, WorkflowService, named
from services.workflow.domain.program import Program, compile_program
from services.workflow.domain.runs import Cause, Seen, StepTaken
from services.workflow.domain.simulation import Trial, pass_through
from services.workflow.domain.starting import may_start
from services.workflow.store import contacts, occurrences, runs
from services.workflow.world import UnitWorld
from shared.events.envelope import ContactId
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.problems import Problem
from shared.http.routing import Router

MOST_EVENTS = 500_000  # a quarter of a minute

router = Router(prefix="/v1/workflows", tags=["workflows"])


class TryBody(RequestBody):
    """On whom: one contact, or all over the last days."""

    contact_id: ContactId | None = None
    days: Annotated[int | None, Field(ge=1, le=occurrences.KEPT.days)] = None

    @model_validator(mode="after")
    def names_one(self) -> Self:
        """Exactly one of them."""
        if (self.contact_id is None) == (self.days is None):
            raise ValueError("name exactly one of contact_id and days")
        return self


class TriedStep(BaseModel):
    """A step that would be taken."""

    id: str
    kind: str
    at: datetime
    saw: dict[str, Any] | None
    result: dict[str, Any]


class ContactTrial(BaseModel):
    """What would happen to one contact now, if a triggering event came and nothing after it."""

    contact_id: int
    would_start: bool
    reason: str | None = Field(default=None, description="Why it would not start.")
    condition: dict[str, Any] | None = Field(default=None, description="What the workflow's condition saw.")
    outcome: str | None = Field(default=None, description="How the run would end.")
    messages: int = 0
    steps: list[TriedStep] = []
    broken: list[BrokenReference] = Field(default=[], description="What the workflow names and is gone.")


class PastTrial(BaseModel):
    """What would have happened in the last days; conditions are asked of what is known today."""

    days: int
    share: float = Field(description="Of the account's contacts, how many were looked at: 1 unless there is too much.")
    started: int
    contacts: int
    messages: int
    outcomes: dict[str, int] = Field(description="Runs by how they ended; `running` ones would still go on.")
    steps: dict[str, int] = Field(description="How often each step was taken, by its id.")
    branches: dict[str, dict[str, int]] = Field(description="Which way the runs went, by the id of the step.")
    broken: list[BrokenReference] = Field(default=[], description="What the workflow names and is gone.")


@router.post("/{workflow_id}/try", summary="Try a workflow without doing anything")
async def try_workflow(
    service: Workflows, caller: Annotated[Caller, requires("read")], workflow_id: UUID, body: TryBody
) -> ContactTrial | PastTrial:
    """`{"contact_id"}`: step by step, what would happen to this contact now. `{"days"}`: who would have started."""
    async with service.database.pool.acquire() as connection:
        workflow = await named(connection, caller.account_id, workflow_id)
    program = compile_program(workflow_id, workflow.version, workflow.account_id, workflow.definition)
    faults = service.broken(caller.account_id, workflow.definition)
    broken = [BrokenReference(pointer=fault.pointer, detail=fault.detail) for fault in faults]
    if body.contact_id is not None:
        trial = await _on_contact(service, program, body.contact_id)
        return trial.model_copy(update={"broken": broken})
    assert body.days is not None
    past = await play_the_past(service, program, body.days, MOST_EVENTS)
    found = past.outcome
    return PastTrial(
        days=body.days,
        share=past.share,
        started=found.started,
        contacts=len(found.contacts),
        messages=found.messages,
        outcomes=found.states,
        steps=found.taken,
        branches=found.branches,
        broken=broken,
    )


async def _on_contact(service: WorkflowService, program: Program, contact_id: int) -> ContactTrial:
    contact = (program.account_id, contact_id)
    now = datetime.now(UTC)
    world = UnitWorld(service.catalogs, now)
    pair = (program.workflow_id, contact_id)
    async with service.database.pool.acquire() as connection:
        world.facts = await contacts.load(connection, service.projection, [contact])
        past = (await runs.past(connection, [pair]))[pair]
    if not world.facts[contact].known:
        raise Problem(404, "There is no such contact.")
    if not may_start(program.definition.reentry, past):
        reason = f"reentry is {program.definition.reentry}, and the contact has started it before"
        return ContactTrial(contact_id=contact_id, would_start=False, reason=reason)
    event = Trial(event_id=uuid7(), occurred_at=now, account_id=program.account_id, contact_id=contact_id)
    seen = Seen(event, now, Cause(str(event.event_id)))
    found = pass_through(program, seen, world)
    if found is None:
        saw = None if program.condition is None else world.judge(program.condition, contact, None).tell()
        return ContactTrial(contact_id=contact_id, would_start=False, reason="the condition is not true", condition=saw)
    run, steps, first = found
    return ContactTrial(
        contact_id=contact_id,
        would_start=True,
        condition=first.saw,
        outcome=run.state,
        reason=run.reason,
        messages=sum(step.kind == "send" and "idempotency_key" in step.result for step in steps),
        steps=[_step(step) for step in steps],
    )


def _step(step: StepTaken) -> TriedStep:
    # The key belongs to a run that will never be.
    result = {name: value for name, value in step.result.items() if name != "idempotency_key"}
    return TriedStep(id=step.step_id, kind=step.kind, at=step.at, saw=step.saw, result=result)
