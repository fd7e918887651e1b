"""How many messages activating a workflow may mean."""

from services.workflow.api.models import Expectation
from services.workflow.api.past import play_the_past
from services.workflow.api.service import WorkflowService
from services.workflow.domain.program import compile_program
from services.workflow.domain.triggers import OnSegment
from services.workflow.store import contacts
from services.workflow.store.definitions import StoredWorkflow

DAYS = 7
MOST_EVENTS = 50_000  # an estimate is wanted, and within a second or so


async def expectation(service: WorkflowService, workflow: StoredWorkflow) -> Expectation:
    """Members that would be taken at once, and what the last week would have brought."""
    program = compile_program(workflow.workflow_id, workflow.version, workflow.account_id, workflow.definition)
    segments = [
        trigger.segment
        for trigger in program.definition.triggers
        if isinstance(trigger, OnSegment) and trigger.on == "SegmentEntered" and trigger.include_existing
    ]
    members = 0
    if segments and workflow.state == "draft":
        async with service.database.pool.acquire() as connection:
            members = await contacts.count_members(connection, service.projection, workflow.account_id, segments)
    week = await play_the_past(service, program, DAYS, MOST_EVENTS)
    return Expectation(
        runs_at_once=members,
        messages_at_once=members * program.most_messages,
        runs_a_week=week.scaled(week.outcome.started),
        messages_a_week=week.scaled(week.outcome.messages),
    )
