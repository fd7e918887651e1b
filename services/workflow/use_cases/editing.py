"""Creates, changes, deletes and shows workflows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.workflow.domain.definitions import Definition, walk
from services.workflow.domain.errors import InvalidDefinition, LimitReached
from services.workflow.domain.phases import State
from services.workflow.domain.reading import read_definition, write_definition
from services.workflow.store import backlog, counts, definitions, runs
from services.workflow.store.definitions import StoredVersion, StoredWorkflow
from services.workflow.use_cases.enrolling import enrol_existing
from services.workflow.use_cases.service import WorkflowService, find_workflow
from shared.criteria import Fault
from shared.events.topics import CATALOG_PARTITION
from shared.events.workflow import WorkflowChanged
from shared.store.unit_of_work import UnitOfWork

MOST_WORKFLOWS = 1_000
MOST_BYTES = (
    262_144  # of a definition as JSON: an event has at most 900,000 bytes, and every process loads all definitions
)

# Called with the current version before a change; raises if the client has read another one.
VersionCheck = Callable[[int], None]


class WorkflowState(NamedTuple):
    """A workflow with its broken references, and the number of its runs by state."""

    workflow: StoredWorkflow
    broken: list[Fault]
    runs: dict[str, int]


async def create(service: WorkflowService, account_id: int, body: dict[str, Any]) -> WorkflowState:
    """Create a draft. Raises InvalidDefinition, LimitReached."""
    definition = _read(body)
    await service.require_references(account_id, definition)
    workflow_id = uuid7()
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        if await definitions.count(work.connection, account_id) >= MOST_WORKFLOWS:
            raise LimitReached(f"An account has at most {MOST_WORKFLOWS} workflows.")
        revision, at = await definitions.next_revision(work.connection)
        written = write_definition(definition)
        workflow = StoredWorkflow(workflow_id, account_id, definition.name, 1, "draft", at, at, written)
        await definitions.insert(work.connection, workflow, revision)
        append_changed(work, workflow)
    await service.wait_until_published(work)
    return WorkflowState(workflow, [], {})


async def change(
    service: WorkflowService, account_id: int, workflow_id: UUID, body: dict[str, Any], check: VersionCheck
) -> WorkflowState:
    """Write a new version, unless nothing changed.

    Unchanged steps keep their ids. Raises NotFound, InvalidDefinition, and the errors of `check`.
    """
    async with service.database.pool.acquire() as connection:
        await find_workflow(connection, account_id, workflow_id)
        versions = await definitions.versions(connection, workflow_id)
    definition = _read(body, list(versions.values()))
    await service.require_references(account_id, definition)
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await find_workflow(work.connection, account_id, workflow_id)
        check(workflow.version)
        if workflow.version != len(versions):
            definition = _read(body, list((await definitions.versions(work.connection, workflow_id)).values()))
        written = write_definition(definition)
        if written != workflow.body:
            revision, at = await definitions.next_revision(work.connection)
            workflow = workflow._replace(
                name=definition.name, version=workflow.version + 1, changed_at=at, body=written
            )
            await definitions.change(work.connection, workflow, revision, new_version=True)
            if workflow.state != "draft":
                await enrol_existing(service, work, workflow)
            append_changed(work, workflow)
    await service.wait_until_published(work)
    return await describe(service, workflow)


async def delete(service: WorkflowService, account_id: int, workflow_id: UUID, check: VersionCheck) -> None:
    """Delete a workflow; its runs are cancelled by the next ticks. Raises NotFound, and the errors of `check`."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        workflow = await find_workflow(work.connection, account_id, workflow_id)
        check(workflow.version)
        await change_state(work, workflow, "deleted")
        await backlog.drop(work.connection, workflow_id)
        await runs.begin_deletion(work.connection, workflow_id, service.partitions)
    await service.wait_until_published(work)


async def show(service: WorkflowService, account_id: int, workflow_id: UUID) -> WorkflowState:
    """Return a workflow. Raises NotFound."""
    async with service.database.pool.acquire() as connection:
        workflow = await find_workflow(connection, account_id, workflow_id)
    return await describe(service, workflow)


async def list_page(
    service: WorkflowService, account_id: int, after: UUID, limit: int
) -> tuple[list[WorkflowState], int]:
    """Return up to `limit` workflows after an id, oldest first, and their total number."""
    async with service.database.pool.acquire() as connection:
        workflows, total = await definitions.listed(connection, account_id, after, limit)
        by_state = await counts.states(connection, [workflow.workflow_id for workflow in workflows])
    states = [
        WorkflowState(workflow, _broken(service, workflow), by_state[workflow.workflow_id]) for workflow in workflows
    ]
    return states, total


async def list_versions(
    service: WorkflowService, account_id: int, workflow_id: UUID, before: int, limit: int
) -> tuple[list[StoredVersion], int]:
    """Return up to `limit` versions below `before`, newest first, and their total number. Raises NotFound."""
    async with service.database.pool.acquire() as connection:
        await find_workflow(connection, account_id, workflow_id)
        return await definitions.versions_page(connection, workflow_id, before, limit)


async def describe(service: WorkflowService, workflow: StoredWorkflow) -> WorkflowState:
    """Return a workflow with its broken references and the numbers of its runs."""
    async with service.database.pool.acquire() as connection:
        by_state = await counts.states(connection, [workflow.workflow_id])
    return WorkflowState(workflow, _broken(service, workflow), by_state[workflow.workflow_id])


def _broken(service: WorkflowService, workflow: StoredWorkflow) -> list[Fault]:
    try:
        return service.broken(workflow.account_id, workflow.definition)
    except InvalidDefinition as error:
        # A later release wrote it. It can be shown and replaced, but starts no runs.
        return [Fault(fault.pointer, f"this release cannot read it: {fault.detail}") for fault in error.faults]


async def change_state(work: UnitOfWork, before: StoredWorkflow, state: State) -> StoredWorkflow:
    """Write and publish a new state of a workflow, which applies to events recorded from now on."""
    revision, at = await definitions.next_revision(work.connection)
    workflow = before._replace(state=state, changed_at=at)
    await definitions.change(work.connection, workflow, revision, new_version=False)
    append_changed(work, workflow)
    return workflow


def append_changed(work: UnitOfWork, workflow: StoredWorkflow) -> None:
    """Append the catalog event with the present state of a workflow."""
    work.append(
        WorkflowChanged(
            occurred_at=datetime.now(UTC),
            account_id=workflow.account_id,
            workflow_id=workflow.workflow_id,
            workflow_name=workflow.name,
            workflow_version=workflow.version,
            state=workflow.state,
            definition=workflow.body,
            uses=workflow.uses,
        )
    )


def _read(body: dict[str, Any], versions: Sequence[Definition] = ()) -> Definition:
    size = len(orjson.dumps(body))
    if size > MOST_BYTES:
        raise InvalidDefinition((Fault("", f"a definition has at most {MOST_BYTES} bytes as JSON, not {size}"),))
    used = {step.id for version in versions for _, step in walk(version.steps) if step.id}
    return read_definition(body, versions[-1] if versions else None, used)
