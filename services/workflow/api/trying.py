"""Tries a workflow on one contact now, or on the events of the last days, without any effects."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.workflow.api.dependencies import Reader, Workflows
from services.workflow.api.errors import as_problems
from services.workflow.api.models import BrokenReference, broken_references
from services.workflow.domain.runs import StepTaken
from services.workflow.store.occurrences import KEPT
from services.workflow.use_cases import trying
from shared.events.envelope import ContactId
from shared.http.bodies import RequestBody
from shared.http.routing import Router

router = Router(prefix="/v1/workflows", tags=["workflows"])


class TryBody(RequestBody):
    """What to try the workflow on: one contact, or the events of the last days."""

    contact_id: Annotated[ContactId | None, Field(description="The contact to try it on.", examples=[1042])] = None
    days: Annotated[int | None, Field(ge=1, le=KEPT.days, description="The number of past days to try it on.")] = None

    @model_validator(mode="after")
    def names_one(self) -> Self:
        """Refuse a body with both members, or with none."""
        if (self.contact_id is None) == (self.days is None):
            raise ValueError("exactly one of contact_id and days is required")
        return self


class TriedStep(BaseModel):
    """A step that would be taken."""

    id: Annotated[str, Field(description="The id of the step in the workflow.", examples=["guide"])]
    kind: Annotated[str, Field(description="The kind of the step.", examples=["send"])]
    at: Annotated[datetime, Field(description="When the step would be taken.", examples=["2026-03-01T12:00:01Z"])]
    saw: Annotated[
        dict[str, Any] | None,
        Field(description="The explanation of its condition: every node, its truth, counts, labels.", examples=[None]),
    ]
    result: Annotated[
        dict[str, Any],
        Field(
            description="The result that the step would have.",
            examples=[{"message_id": "0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"}],
        ),
    ]


class ContactTrial(BaseModel):
    """What would happen to one contact now, if a triggering event came and no other event followed."""

    contact_id: int
    would_start: Annotated[bool, Field(description="Whether a run would start.", examples=[True])]
    reason: str | None = Field(default=None, description="Why it would not start.")
    condition: dict[str, Any] | None = Field(default=None, description="The explanation of the workflow's condition.")
    outcome: str | None = Field(default=None, description="The final state of the run.", examples=["finished"])
    messages: Annotated[int, Field(description="Messages that would be requested.", examples=[1])] = 0
    steps: Annotated[list[TriedStep], Field(description="The steps that would be taken.")] = []
    broken: list[BrokenReference] = Field(default=[], description="Deleted things that the workflow refers to.")


class PastTrial(BaseModel):
    """What would have happened in the last days; conditions are evaluated on what is known today."""

    days: Annotated[int, Field(description="The number of days of the trial.", examples=[7])]
    share: float = Field(
        description="The share of the account's contacts that the trial covered: 1 unless there are too many events.",
        examples=[1.0],
    )
    started: Annotated[int, Field(description="Runs that would have started.", examples=[140])]
    contacts: Annotated[int, Field(description="Contacts with such a run.", examples=[140])]
    messages: Annotated[int, Field(description="Messages that would have been requested.", examples=[138])]
    outcomes: dict[str, int] = Field(
        description="Runs by final state; `running` ones would not have ended yet.",
        examples=[{"finished": 138, "exited": 2}],
    )
    steps: dict[str, int] = Field(
        description="How often each step would have been taken, by its id.", examples=[{"guide": 138}]
    )
    branches: dict[str, dict[str, int]] = Field(
        description="The branches that runs would have taken, by the id of the step.", examples=[{}]
    )
    broken: list[BrokenReference] = Field(default=[], description="Deleted things that the workflow refers to.")


@router.post("/{workflow_id}/try", summary="Try a workflow without effects")
async def try_workflow(
    service: Workflows, caller: Reader, workflow_id: UUID, body: TryBody
) -> ContactTrial | PastTrial:
    """`{"contact_id"}`: step by step, what would happen to this contact now. `{"days"}`: who would have started."""
    with as_problems():
        if body.contact_id is not None:
            trial = await trying.try_on_contact(service, caller.account_id, workflow_id, body.contact_id)
            return _contact_trial(body.contact_id, trial)
        assert body.days is not None
        past, broken = await trying.try_on_past(service, caller.account_id, workflow_id, body.days)
    outcome = past.outcome
    return PastTrial(
        days=body.days,
        share=past.share,
        started=outcome.started,
        contacts=len(outcome.contacts),
        messages=outcome.messages,
        outcomes=outcome.states,
        steps=outcome.taken,
        branches=outcome.branches,
        broken=broken_references(broken),
    )


def _contact_trial(contact_id: int, trial: trying.ContactTrial) -> ContactTrial:
    return ContactTrial(
        contact_id=contact_id,
        would_start=trial.run is not None,
        reason=trial.reason,
        condition=trial.condition,
        outcome=None if trial.run is None else trial.run.state,
        messages=sum(step.kind == "send" and "idempotency_key" in step.result for step in trial.steps),
        steps=[_step(step) for step in trial.steps],
        broken=broken_references(trial.broken),
    )


def _step(step: StepTaken) -> TriedStep:
    # The key belongs to a run that will never exist.
    result = {name: value for name, value in step.result.items() if name != "idempotency_key"}
    return TriedStep(id=step.step_id, kind=step.kind, at=step.at, saw=step.saw, result=result)
