"""Tries a workflow without effects: on one contact now, or on the events of the last days."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from services.workflow.domain.errors import NotFound
from services.workflow.domain.program import Program, compile_program
from services.workflow.domain.runs import Causation, ConsumedEvent, Run, StepTaken
from services.workflow.domain.simulation import Trial, pass_through
from services.workflow.domain.starting import may_start
from services.workflow.store import contacts, runs
from services.workflow.use_cases.replaying import PastOutcome, replay_past
from services.workflow.use_cases.run_context import RunContext
from services.workflow.use_cases.service import WorkflowService, find_workflow
from shared.criteria import Fault

MOST_EVENTS = 500_000  # limit that keeps a trial within about a quarter of a minute


class ContactTrial(NamedTuple):
    """The trial of a workflow on one contact; `run` is None if no run would start; `reason` says why."""

    run: Run | None
    reason: str | None
    condition: dict[str, Any] | None
    steps: Sequence[StepTaken]
    broken: list[Fault]


async def try_on_contact(service: WorkflowService, account_id: int, workflow_id: UUID, contact_id: int) -> ContactTrial:
    """Simulate a run of one contact as if a triggering event came now, and no event after it.

    Raises NotFound.
    """
    program, broken = await _program(service, account_id, workflow_id)
    contact = (account_id, contact_id)
    now = datetime.now(UTC)
    environment = RunContext(service.catalogs, now)
    pair = (workflow_id, contact_id)
    async with service.database.pool.acquire() as connection:
        environment.facts = await contacts.load(connection, service.projection, [contact])
        past = (await runs.entry_histories(connection, [pair]))[pair]
    if not environment.facts[contact].known:
        raise NotFound("contact", contact_id)
    if not may_start(program.definition.reentry, past):
        reason = f"reentry is {program.definition.reentry}, and the contact already has a run of this workflow"
        return ContactTrial(None, reason, None, (), broken)
    event = Trial(event_id=uuid7(), occurred_at=now, account_id=account_id, contact_id=contact_id)
    passage = pass_through(program, ConsumedEvent(event, now, Causation(str(event.event_id))), environment)
    if passage is None:
        saw = None if program.condition is None else environment.evaluate(program.condition, contact, None).explain()
        return ContactTrial(None, "the condition is not true", saw, (), broken)
    run, steps, first = passage
    return ContactTrial(run, run.reason, first.saw, steps, broken)


async def try_on_past(
    service: WorkflowService, account_id: int, workflow_id: UUID, days: int
) -> tuple[PastOutcome, list[Fault]]:
    """Simulate the workflow over the events of the last days. Raises NotFound."""
    program, broken = await _program(service, account_id, workflow_id)
    return await replay_past(service, program, days, MOST_EVENTS), broken


async def _program(service: WorkflowService, account_id: int, workflow_id: UUID) -> tuple[Program, list[Fault]]:
    async with service.database.pool.acquire() as connection:
        workflow = await find_workflow(connection, account_id, workflow_id)
    program = compile_program(workflow_id, workflow.version, account_id, workflow.definition)
    return program, service.broken(account_id, workflow.definition)
