"""Endpoints of workflows: create, change, activate, pause, delete."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from services.workflow.api.dependencies import Conditions, Reader, Workflows, Writer
from services.workflow.api.errors import as_problems
from services.workflow.api.examples import EXAMPLES
from services.workflow.api.models import READ_ONLY, StepStatistics, VersionAnswer, WorkflowAnswer
from services.workflow.use_cases import activating, editing, watching_runs
from services.workflow.use_cases.watching_runs import CountedStep
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of
from shared.http.routing import Router

router = Router(prefix="/v1/workflows", tags=["workflows"])

MOST_VERSIONS = 2**31 - 1  # the maximum of the column `version`
Version = Annotated[int, Field(ge=0, le=MOST_VERSIONS)]  # a forged cursor may contain any value

DefinitionBody = Annotated[
    dict[str, Any],
    Body(
        description="`name`, `triggers`, `condition?`, `reentry?`, `max_event_age?`, `exit_on?`, `while_paused?`, "
        "`steps`. A trigger accepts an event that was recorded within `max_event_age` (default: one day) of the time "
        'at which it happened. `exit_on` accepts triggers and `{"no_longer": criterion}`. Steps: `send`, `wait`, '
        "`wait_for`, `if`, `split`, `assign_label`, `remove_label`, `set_field`, `exit`. At most 262,144 bytes.",
        examples=EXAMPLES,
    ),
]


@router.post("", status_code=201, summary="Create a workflow")
async def create_workflow(
    service: Workflows, caller: Writer, body: DefinitionBody, response: Response
) -> WorkflowAnswer:
    """Create a draft. It does nothing until it is activated."""
    with as_problems():
        created = await editing.create(service, caller.account_id, body)
    response.headers["Location"] = f"/v1/workflows/{created.workflow.workflow_id}"
    response.headers["ETag"] = etag_of(created.workflow.version)
    return WorkflowAnswer.of(created)


@router.get("", summary="List workflows")
async def list_workflows(
    service: Workflows, caller: Reader, page: Annotated[PageRequest, page_request()]
) -> Page[WorkflowAnswer]:
    """Return the account's workflows, oldest first."""
    (after,) = page.key(UUID) or (UUID(int=0),)
    states, total = await editing.list_page(service, caller.account_id, after, page.fetch)
    return Page[WorkflowAnswer].of(
        states, page, key=lambda state: [state.workflow.workflow_id], item=WorkflowAnswer.of, total=total
    )


@router.get("/{workflow_id}", summary="Show a workflow", response_model=WorkflowAnswer)
async def show_workflow(service: Workflows, caller: Reader, workflow_id: UUID, conditions: Conditions) -> Response:
    """Return a workflow, its `broken` references, and the number of its runs."""
    with as_problems():
        described = await editing.show(service, caller.account_id, workflow_id)
    return conditions.answer(WorkflowAnswer.of(described), etag_of(described.workflow.version))


@router.put("/{workflow_id}", summary="Change a workflow")
async def change_workflow(
    service: Workflows,
    caller: Writer,
    workflow_id: UUID,
    body: DefinitionBody,
    conditions: Conditions,
    response: Response,
) -> WorkflowAnswer:
    """Write a new version. New runs use it; existing runs finish on their versions. Unchanged steps keep their ids."""
    definition = {name: value for name, value in body.items() if name not in READ_ONLY}
    with as_problems():
        changed = await editing.change(service, caller.account_id, workflow_id, definition, _version_check(conditions))
    response.headers["ETag"] = etag_of(changed.workflow.version)
    return WorkflowAnswer.of(changed)


@router.delete("/{workflow_id}", status_code=204, summary="Delete a workflow", response_class=Response)
async def delete_workflow(service: Workflows, caller: Writer, workflow_id: UUID, conditions: Conditions) -> Response:
    """Delete a workflow. Its unfinished runs are cancelled; the history of its runs can still be read."""
    with as_problems():
        await editing.delete(service, caller.account_id, workflow_id, _version_check(conditions))
    return Response(status_code=204)


@router.get("/{workflow_id}/versions", summary="List the versions of a workflow")
async def list_versions(
    service: Workflows, caller: Reader, workflow_id: UUID, page: Annotated[PageRequest, page_request()]
) -> Page[VersionAnswer]:
    """Return every version with its definition, newest first. PUT the definition of a version to go back to it."""
    (before,) = page.key(Version) or (MOST_VERSIONS,)
    with as_problems():
        versions, total = await editing.list_versions(service, caller.account_id, workflow_id, before, page.fetch)
    return Page[VersionAnswer].of(
        versions, page, key=lambda stored: [stored.version], item=VersionAnswer.of, total=total
    )


@router.get("/{workflow_id}/steps", summary="Show the statistics of each step")
async def list_steps(
    service: Workflows, caller: Reader, workflow_id: UUID, page: Annotated[PageRequest, page_request()]
) -> Page[StepStatistics]:
    """Return the workflow's steps in the order of the definition, then steps of earlier versions."""
    (after,) = page.key(int) or (-1,)
    with as_problems():
        steps = await watching_runs.step_statistics(service, caller.account_id, workflow_id)
    numbered = list(enumerate(steps))
    return Page[StepStatistics].of(
        numbered[after + 1 : after + 1 + page.fetch],
        page,
        key=lambda numbered_step: [numbered_step[0]],
        item=lambda numbered_step: _statistics(numbered_step[1]),
        total=len(numbered),
    )


@router.post("/{workflow_id}/activate", summary="Activate or resume a workflow")
async def activate_workflow(
    service: Workflows,
    caller: Writer,
    workflow_id: UUID,
    dry_run: Annotated[bool, Query(description="Answer `expects` without changing anything.")] = False,
) -> WorkflowAnswer:
    """Let events start runs from now on. `expects` estimates how many messages this will send.

    A trigger with `include_existing` also starts runs for contacts that are in its segment, or hold its label, already.
    Events from a pause are processed now, or skipped, according to `while_paused`.
    """
    with as_problems():
        activated, expected = await activating.activate(service, caller.account_id, workflow_id, dry_run=dry_run)
    return WorkflowAnswer.of(activated, expected)


@router.post("/{workflow_id}/pause", summary="Pause a workflow")
async def pause_workflow(service: Workflows, caller: Writer, workflow_id: UUID) -> WorkflowAnswer:
    """Pause a workflow: no run starts or moves until the workflow is activated again; no run is lost."""
    with as_problems():
        return WorkflowAnswer.of(await activating.pause(service, caller.account_id, workflow_id))


def _statistics(step: CountedStep) -> StepStatistics:
    counts = step.counts
    branches = {"then": counts.went_then, "else": counts.went_else}
    return StepStatistics(
        id=step.id,
        kind=step.kind,
        passed=counts.passed,
        waiting=counts.waiting,
        sent=counts.sent,
        not_sent=counts.not_sent,
        clicked=counts.clicked,
        branches={name: number for name, number in branches.items() if number},
    )


def _version_check(conditions: Preconditions) -> editing.VersionCheck:
    return lambda version: conditions.require(etag_of(version))
