"""Estimates how many messages activating a workflow will send."""

from typing import NamedTuple

from services.workflow.domain.program import compile_program
from services.workflow.store import contacts
from services.workflow.store.definitions import StoredWorkflow
from services.workflow.use_cases.enrolling import existing_of
from services.workflow.use_cases.replaying import replay_past
from services.workflow.use_cases.service import WorkflowService

DAYS = 7
MOST_EVENTS = 50_000  # limit that keeps an estimate within about a second


class Estimate(NamedTuple):
    """Runs and messages immediately (existing members), and in a week like the last one."""

    runs_at_once: int
    messages_at_once: int
    runs_a_week: int
    messages_a_week: int


async def estimate(service: WorkflowService, workflow: StoredWorkflow) -> Estimate:
    """Count the contacts that would be enrolled at once, and simulate the definition over the last week."""
    program = compile_program(workflow.workflow_id, workflow.version, workflow.account_id, workflow.definition)
    existing = existing_of(program.definition, service.catalogs.merged(workflow.account_id))
    members = 0
    if existing and workflow.state == "draft":
        async with service.database.pool.acquire() as connection:
            members = await contacts.count_existing(connection, service.projection, workflow.account_id, existing)
    week = await replay_past(service, program, DAYS, MOST_EVENTS)
    return Estimate(
        runs_at_once=members,
        messages_at_once=members * program.most_messages,
        runs_a_week=week.scaled(week.outcome.started),
        messages_a_week=week.scaled(week.outcome.messages),
    )
