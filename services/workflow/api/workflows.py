"""Workflows: made, changed, activated, paused, deleted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Response
from uuid_utils.compat import uuid7

from services.workflow.api.expecting import expectation
from services.workflow.api.models import READ_ONLY, WorkflowAnswer
from services.workflow.api.service import Workflows, WorkflowService, named, refuse
from services.workflow.domain.definitions import Definition, uses_of, walk
from services.workflow.domain.faults import InvalidDefinition
from services.workflow.domain.phases import State
from services.workflow.domain.reading import read_definition, write_definition
from services.workflow.domain.triggers import OnSegment
from services.workflow.store import definitions, standing
from services.workflow.store.definitions import StoredWorkflow
from shared.events.topics import CATALOG_PARTITION
from shared.events.workflow import WorkflowChanged
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import Problem
from shared.http.routing import Router
from shared.store.unit_of_work import UnitOfWork

router = Router(prefix="/v1/workflows", tags=["workflows"])

EXAMPLE = {
    "name": "Dog lovers",
    "triggers": [{"on": "LabelAssigned", "label": "01890000-0000-7000-8000-000000000001"}],
    "steps": [
        {"id": "guide", "send": {"message": "01890000-0000-7000-8000-000000000002"}},
        {
            "wait_for": {
                "any": [{"on": "ContactClicked", "send": "this_run"}],
                "at_most": {"days": 3},
                "then": [{"assign_label": {"label": "01890000-0000-7000-8000-000000000003"}}],
            }
        },
    ],
}
DefinitionBody = Annotated[
    dict[str, Any],
    Body(
        description="`name`, `triggers`, `condition?`, `reentry?`, `exit_on?`, `while_paused?`, `steps`; "
        '`exit_on` takes triggers and `{"no_longer": criterion}`.',
        examples=[EXAMPLE],
    ),
]
Writer = Annotated[Caller, requires("write")]
Reader = Annotated[Caller, requires("read")]
Conditions = Annotated[Preconditions, preconditions()]


@router.post("", status_code=201, summary="Make a workflow")
async def make_workflow(service: Workflows, caller: Writer, body: DefinitionBody, response: Response) -> WorkflowAnswer:
    """Makes a draft. It does nothing until it is activated."""
    definition = _read(body)
    await service.require(caller.account_id, definition)
    workflow_id = uuid7()
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        revision, at = await definitions.next_revision(work.connection)
        workflow = StoredWorkflow(
            workflow_id, caller.account_id, definition.name, 1, "draft", at, at, write_definition(definition)
        )
        await definitions.insert(work.connection, workflow, revision)
        _tell(work, workflow)
    await service.told(work)
    response.headers["Location"] = f"/v1/workflows/{workflow_id}"
    response.headers["ETag"] = etag_of(workflow.version)
    return WorkflowAnswer.of(workflow, [], {})


@router.get("", summary="List workflows")
async def list_workflows(
    service: Workflows, caller: Reader, page: Annotated[PageRequest, page_request()]
) -> Page[WorkflowAnswer]:
    """The account's workflows, oldest first."""
    (after,) = page.key(UUID) or (UUID(int=0),)
    async with service.database.pool.acquire() as connection:
        found, total = await definitions.listed(connection, caller.account_id, after, page.fetch)
        runs = await definitions.run_counts(connection, [workflow.workflow_id for workflow in found])
    return Page[WorkflowAnswer].of(
        found,
        page,
        key=lambda workflow: [workflow.workflow_id],
        item=lambda workflow: _answer(service, workflow, runs[workflow.workflow_id]),
        total=total,
    )


@router.get("/{workflow_id}", summary="Show a workflow", response_model=WorkflowAnswer)
async def show_workflow(service: Workflows, caller: Reader, workflow_id: UUID, conditions: Conditions) -> Response:
    """A workflow, what of it is `broken`, and how many runs it has."""
    async with service.database.pool.acquire() as connection:
        workflow = await named(connection, caller.account_id, workflow_id)
        runs = await definitions.run_counts(connection, [workflow_id])
    return conditions.answer(_answer(service, workflow, runs[workflow_id]), etag_of(workflow.version))


@router.put("/{workflow_id}", summary="Change a workflow")
async def change_workflow(
    service: Workflows,
    caller: Writer,
    workflow_id: UUID,
    body: DefinitionBody,
    conditions: Conditions,
    response: Response,
) -> WorkflowAnswer:
    """Makes a new version: it takes new runs, those that go on finish on theirs. Steps that stay keep their ids."""
    sent = {name: value for name, value in body.items() if name not in READ_ONLY}
    async with service.database.pool.acquire() as connection:
        await named(connection, caller.account_id, workflow_id)
        versions = await definitions.versions(connection, workflow_id)
    definition = _read(sent, list(versions.values()))
    await service.require(caller.account_id, definition)
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        before = await named(work.connection, caller.account_id, workflow_id)
        conditions.require(etag_of(before.version))
        if before.version != len(versions):
            definition = _read(sent, list((await definitions.versions(work.connection, workflow_id)).values()))
        written = write_definition(definition)
        if written == before.body:
            workflow = before
        else:
            revision, at = await definitions.next_revision(work.connection)
            workflow = before._replace(name=definition.name, version=before.version + 1, changed_at=at, body=written)
            await definitions.change(work.connection, workflow, revision, new_version=True)
            if workflow.state != "draft":
                await _take_members(service, work, workflow)
            _tell(work, workflow)
    await service.told(work)
    response.headers["ETag"] = etag_of(workflow.version)
    return _answer(service, workflow, await _runs(service, workflow_id))


@router.delete("/{workflow_id}", status_code=204, summary="Delete a workflow", response_class=Response)
async def delete_workflow(service: Workflows, caller: Writer, workflow_id: UUID, conditions: Conditions) -> Response:
    """Deletes a workflow; runs that go on are cancelled, what they did stays to be seen."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await named(work.connection, caller.account_id, workflow_id)
        conditions.require(etag_of(workflow.version))
        await _change_state(work, workflow, "deleted")
        await standing.drop(work.connection, workflow_id)
    await service.told(work)
    return Response(status_code=204)


@router.post("/{workflow_id}/activate", summary="Activate a workflow, or let it go on")
async def activate_workflow(service: Workflows, caller: Writer, workflow_id: UUID) -> WorkflowAnswer:
    """From now on events start runs. `expects` says how many messages that may mean.

    A trigger with `include_existing` takes the members that its segment has now. What came during a pause is decided
    on now, or passed over, as `while_paused` says.
    """
    async with service.database.pool.acquire() as connection:
        workflow = await named(connection, caller.account_id, workflow_id)
    await service.require(caller.account_id, workflow.definition)
    expects = await expectation(service, workflow)
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await named(work.connection, caller.account_id, workflow_id)
        if workflow.state != "active":
            was = workflow.state
            workflow = await _change_state(work, workflow, "active")
            if was == "draft":
                await _take_members(service, work, workflow)
    await service.told(work)
    return _answer(service, workflow, await _runs(service, workflow_id), expects)


@router.post("/{workflow_id}/pause", summary="Pause a workflow")
async def pause_workflow(service: Workflows, caller: Writer, workflow_id: UUID) -> WorkflowAnswer:
    """From now on the workflow decides on nothing: no run starts, none goes on, and none is lost."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await named(work.connection, caller.account_id, workflow_id)
        if workflow.state == "draft":
            raise Problem(409, "A draft cannot be paused: it has never been activated.")
        if workflow.state != "paused":
            workflow = await _change_state(work, workflow, "paused")
            await standing.hold_back(work.connection, workflow_id, service.partitions)
    await service.told(work)
    return _answer(service, workflow, await _runs(service, workflow_id))


def _read(body: dict[str, Any], versions: Sequence[Definition] = ()) -> Definition:
    used = {step.id for version in versions for _, step in walk(version.steps) if step.id}
    try:
        return read_definition(body, versions[-1] if versions else None, used)
    except InvalidDefinition as error:
        raise refuse(error) from None


def _answer(
    service: WorkflowService,
    workflow: StoredWorkflow,
    runs: dict[str, int],
    expects: Any = None,  # noqa: ANN401
) -> WorkflowAnswer:
    return WorkflowAnswer.of(workflow, service.broken(workflow.account_id, workflow.definition), runs, expects)


async def _runs(service: WorkflowService, workflow_id: UUID) -> dict[str, int]:
    async with service.database.pool.acquire() as connection:
        return (await definitions.run_counts(connection, [workflow_id]))[workflow_id]


async def _change_state(work: UnitOfWork, before: StoredWorkflow, state: State) -> StoredWorkflow:
    revision, at = await definitions.next_revision(work.connection)
    workflow = before._replace(state=state, changed_at=at)
    await definitions.change(work.connection, workflow, revision, new_version=False)
    _tell(work, workflow)
    return workflow


async def _take_members(service: WorkflowService, work: UnitOfWork, workflow: StoredWorkflow) -> None:
    if any(
        isinstance(trigger, OnSegment) and trigger.on == "SegmentEntered" and trigger.include_existing
        for trigger in workflow.definition.triggers
    ):
        await standing.begin_enrolment(work.connection, workflow.workflow_id, service.partitions, workflow.version)
    else:
        await standing.end_enrolments(work.connection, workflow.workflow_id)


def _tell(work: UnitOfWork, workflow: StoredWorkflow) -> None:
    work.append(
        WorkflowChanged(
            occurred_at=datetime.now(UTC),
            account_id=workflow.account_id,
            workflow_id=workflow.workflow_id,
            workflow_name=workflow.name,
            workflow_version=workflow.version,
            state=workflow.state,
            definition=workflow.body,
            uses=uses_of(workflow.definition),
        )
    )
