"""Take the members that segments already have, for triggers with `include_existing`."""

from services.workflow.domain.triggers import OnSegment
from services.workflow.store import backlog
from services.workflow.store.definitions import StoredWorkflow
from services.workflow.use_cases.service import WorkflowService
from shared.store.unit_of_work import UnitOfWork


async def enrol_existing(service: WorkflowService, work: UnitOfWork, workflow: StoredWorkflow) -> None:
    """Note that the current version takes existing members, or that none does any more; ticks do the rest."""
    if any(
        isinstance(trigger, OnSegment) and trigger.on == "SegmentEntered" and trigger.include_existing
        for trigger in workflow.definition.triggers
    ):
        await backlog.begin_enrolment(work.connection, workflow.workflow_id, service.partitions, workflow.version)
    else:
        await backlog.end_enrolments(work.connection, workflow.workflow_id)
