"""Activates and pauses workflows."""

from uuid import UUID

from services.workflow.domain.errors import WrongState
from services.workflow.store import backlog
from services.workflow.use_cases.editing import WorkflowState, change_state, describe
from services.workflow.use_cases.enrolling import enrol_existing
from services.workflow.use_cases.estimating import Estimate, estimate
from services.workflow.use_cases.service import WorkflowService, find_workflow
from shared.events.topics import CATALOG_PARTITION


async def activate(
    service: WorkflowService, account_id: int, workflow_id: UUID, *, dry_run: bool = False
) -> tuple[WorkflowState, Estimate]:
    """Activate a draft or a paused workflow, and estimate what that will send; `dry_run`: only estimate.

    Raises NotFound, TooBusy, InvalidDefinition for deleted references.
    """
    async with service.database.pool.acquire() as connection:
        workflow = await find_workflow(connection, account_id, workflow_id)
    await service.require_references(account_id, workflow.definition)
    expected = await estimate(service, workflow)
    if dry_run:
        return await describe(service, workflow), expected
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await find_workflow(work.connection, account_id, workflow_id)
        if workflow.state != "active":
            previous_state = workflow.state
            workflow = await change_state(work, workflow, "active")
            if previous_state == "draft":
                await enrol_existing(service, work, workflow)
    await service.wait_until_published(work)
    return await describe(service, workflow), expected


async def pause(service: WorkflowService, account_id: int, workflow_id: UUID) -> WorkflowState:
    """Pause a workflow: no run starts or moves until it is activated again. Raises NotFound, WrongState for a draft."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await find_workflow(work.connection, account_id, workflow_id)
        if workflow.state == "draft":
            raise WrongState("A draft cannot be paused: it has never been activated.")
        if workflow.state != "paused":
            workflow = await change_state(work, workflow, "paused")
            await backlog.hold_back(work.connection, workflow_id, service.partitions)
    await service.wait_until_published(work)
    return await describe(service, workflow)
