"""List, show and cancel runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.workflow.domain.errors import NotFound
from services.workflow.domain.progress import end
from services.workflow.domain.runs import Run
from services.workflow.store import run_history, runs
from services.workflow.store.run_history import CausedEvent, StoredRun, StoredStep
from services.workflow.use_cases.service import WorkflowService, find_workflow
from shared.events.topics import partition_of


class RunFilter(NamedTuple):
    """Which runs to list; None: any."""

    contact_id: int | None
    state: str | None


class RunHistory(NamedTuple):
    """A run with every step that it took and every event that followed from it."""

    stored: StoredRun
    steps: Sequence[StoredStep]
    caused: Sequence[CausedEvent]


async def list_page(
    service: WorkflowService,
    account_id: int,
    workflow_id: UUID,
    wanted: RunFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> tuple[list[Run], int]:
    """Return up to `limit` runs of a workflow after a place in the list, newest first, and the number of all.

    Raises NotFound.
    """
    async with service.database.pool.acquire() as connection:
        await find_workflow(connection, account_id, workflow_id)
        found = await run_history.listed(connection, workflow_id, wanted.contact_id, wanted.state, after, limit)
        total = await run_history.count(connection, workflow_id, wanted.contact_id, wanted.state)
    return found, total


async def show(service: WorkflowService, account_id: int, run_id: UUID) -> RunHistory:
    """Return a run of the account with its history. Raises NotFound."""
    stored = await _find(service, account_id, run_id)
    async with service.database.pool.acquire() as connection:
        return RunHistory(
            stored, await run_history.steps_of(connection, run_id), await run_history.caused_by_run(connection, run_id)
        )


async def cancel(service: WorkflowService, account_id: int, run_id: UUID) -> RunHistory:
    """End a run where it stands; a run that has ended stays as it is. Raises NotFound."""
    contact_id = (await _find(service, account_id, run_id)).run.contact_id
    async with service.database.unit_of_work(partition_of(account_id, contact_id, service.partitions)) as work:
        stored = await run_history.find(work.connection, account_id, run_id)
        assert stored is not None, "runs are never deleted"
        if stored.run.state == "running":
            await runs.update(work.connection, [end(stored.run, "cancelled", work.now, "by hand")])
    return await show(service, account_id, run_id)


async def _find(service: WorkflowService, account_id: int, run_id: UUID) -> StoredRun:
    async with service.database.pool.acquire() as connection:
        stored = await run_history.find(connection, account_id, run_id)
    if stored is None:
        raise NotFound("run", run_id)
    return stored
