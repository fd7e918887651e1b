"""Workflows, their versions and their phases."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import structlog
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.definitions import Definition, uses_of
from services.workflow.domain.errors import InvalidDefinition
from services.workflow.domain.phases import Phase, State, Workflow
from services.workflow.domain.program import compile_program
from services.workflow.domain.reading import read_definition
from shared.events.workflow import Uses
from shared.store.locks import LockClass
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
log = structlog.get_logger()


class StoredWorkflow(NamedTuple):
    """A stored workflow; `body` is its definition in the long form."""

    workflow_id: UUID
    account_id: int
    name: str
    version: int
    state: State
    created_at: datetime
    changed_at: datetime
    body: dict[str, Any]

    @property
    def uses(self) -> Uses:
        """Return what the definition refers to; empty if this release cannot read it."""
        try:
            return uses_of(self.definition)
        except InvalidDefinition:
            return Uses()

    @property
    def definition(self) -> Definition:
        """The parsed definition."""
        return read_definition(self.body)


class StoredVersion(NamedTuple):
    """A version of a workflow; `body` is its definition in the long form."""

    version: int
    body: dict[str, Any]
    created_at: datetime


async def next_revision(connection: PoolConnectionProxy) -> tuple[int, datetime]:
    """Begin a change: no unit of work processes events until the transaction ends. Return its revision and time."""
    await QUERIES["lock_definitions"].execute(connection, lock_class=LockClass.WORKFLOW_DEFINITIONS)
    [row] = await QUERIES["next_revision"].fetch(connection)
    return row["number"], row["at"]


async def changed_since(connection: PoolConnectionProxy, revision: int) -> list[Workflow]:
    """Return the complete workflows that changed after a revision."""
    return [_workflow(row) for row in await QUERIES["workflows_since"].fetch(connection, revision=revision)]


def _workflow(row: Record) -> Workflow:
    workflow_id = UUID(int=row["workflow_id"].int)
    programs = []
    for version in orjson.loads(row["versions"]):
        try:
            definition = read_definition(version["body"])
        except InvalidDefinition:
            # Written by a later release: only its own runs are blocked.
            log.exception("definition cannot be read", workflow_id=str(workflow_id), version=version["version"])
        else:
            programs.append(compile_program(workflow_id, version["version"], row["account_id"], definition))
    phases = [
        Phase(datetime.fromisoformat(phase["since"]), phase["state"], phase["version"])
        for phase in orjson.loads(row["phases"])
    ]
    return Workflow(workflow_id, row["account_id"], programs, phases)


async def insert(connection: PoolConnectionProxy, workflow: StoredWorkflow, revision: int) -> None:
    """Insert a draft of a workflow."""
    await QUERIES["insert_workflow"].execute(
        connection,
        workflow_id=workflow.workflow_id,
        account_id=workflow.account_id,
        workflow_name=workflow.name,
        revision=revision,
        created_at=workflow.created_at,
    )
    await _insert_version(connection, workflow)
    await _insert_phase(connection, workflow)


async def change(
    connection: PoolConnectionProxy, workflow: StoredWorkflow, revision: int, *, new_version: bool
) -> None:
    """Write a new version or a new state, in effect since `changed_at`."""
    await QUERIES["update_workflow"].execute(
        connection,
        workflow_id=workflow.workflow_id,
        workflow_name=workflow.name,
        version=workflow.version,
        state=workflow.state,
        revision=revision,
        changed_at=workflow.changed_at,
    )
    if new_version:
        await _insert_version(connection, workflow)
    await _insert_phase(connection, workflow)


async def _insert_phase(connection: PoolConnectionProxy, workflow: StoredWorkflow) -> None:
    await QUERIES["insert_phase"].execute(
        connection,
        workflow_id=workflow.workflow_id,
        since=workflow.changed_at,
        state=workflow.state,
        version=workflow.version,
    )


async def _insert_version(connection: PoolConnectionProxy, workflow: StoredWorkflow) -> None:
    body = orjson.dumps(workflow.body).decode()
    await QUERIES["insert_definition"].execute(
        connection,
        workflow_id=workflow.workflow_id,
        version=workflow.version,
        body=body,
        created_at=workflow.changed_at,
    )


async def find(connection: PoolConnectionProxy, account_id: int, workflow_id: UUID) -> StoredWorkflow | None:
    """Return a workflow of the account that is not deleted."""
    row = await QUERIES["workflow"].fetchrow(connection, workflow_id=workflow_id, account_id=account_id)
    return None if row is None else _stored(row)


async def listed(
    connection: PoolConnectionProxy, account_id: int, after: UUID, limit: int
) -> tuple[list[StoredWorkflow], int]:
    """Return the account's workflows after an id, and their total number."""
    rows = await QUERIES["workflows_listed"].fetch(connection, account_id=account_id, after=after, limit=limit)
    return [_stored(row) for row in rows], await count(connection, account_id)


async def count(connection: PoolConnectionProxy, account_id: int) -> int:
    """Return the number of the account's workflows, deleted ones not counted."""
    number: int = await QUERIES["count_workflows"].fetchval(connection, account_id=account_id)
    return number


def _stored(row: Record) -> StoredWorkflow:
    return StoredWorkflow(
        UUID(int=row["workflow_id"].int),
        row["account_id"],
        row["name"],
        row["version"],
        row["state"],
        row["created_at"],
        row["changed_at"],
        orjson.loads(row["body"]),
    )


async def versions(connection: PoolConnectionProxy, workflow_id: UUID) -> dict[int, Definition]:
    """Return every version's definition."""
    rows = await QUERIES["bodies"].fetch(connection, workflow_id=workflow_id)
    return {row["version"]: read_definition(orjson.loads(row["body"])) for row in rows}


async def versions_page(
    connection: PoolConnectionProxy, workflow_id: UUID, before: int, limit: int
) -> tuple[list[StoredVersion], int]:
    """Return the versions below `before`, newest first, and their total number."""
    rows = await QUERIES["versions_page"].fetch(connection, workflow_id=workflow_id, before=before, limit=limit)
    total: int = await QUERIES["count_versions"].fetchval(connection, workflow_id=workflow_id)
    page = [StoredVersion(row["version"], orjson.loads(row["body"]), row["created_at"]) for row in rows]
    return page, total
