"""Lists, shows, cancels and retries runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.definitions import walk
from services.workflow.domain.errors import NotFound, WrongState
from services.workflow.domain.phases import Workflow
from services.workflow.domain.progress import end
from services.workflow.domain.runs import Run, Transition
from services.workflow.store import backlog, counts, run_history, runs
from services.workflow.store.counts import StepCounts
from services.workflow.store.run_history import (
    CausedEvent,
    ListedRun,
    PlaceInList,
    RunFilter,
    StoredRun,
    StoredStep,
)
from services.workflow.use_cases.loaded_workflows import LoadedWorkflows
from services.workflow.use_cases.run_changes import RunChanges
from services.workflow.use_cases.run_unit import Unit
from services.workflow.use_cases.service import WorkflowService, find_workflow
from shared.events.topics import partition_of


class RunHistory(NamedTuple):
    """A run with every step that it took and every event that it caused."""

    stored: StoredRun
    steps: Sequence[StoredStep]
    caused: Sequence[CausedEvent]


async def list_page(
    service: WorkflowService,
    account_id: int,
    workflow_id: UUID,
    run_filter: RunFilter,
    after: PlaceInList | None,
    limit: int,
) -> tuple[list[ListedRun], int | None]:
    """Return up to `limit` runs of a workflow after a place in the list, newest first, and their total number.

    The number is None with a filter by step. Raises NotFound.
    """
    async with service.database.pool.acquire() as connection:
        await find_workflow(connection, account_id, workflow_id)
        listed = await run_history.listed(connection, workflow_id, run_filter, after, limit)
        total = None if run_filter.step_id is not None else await _total(connection, workflow_id, run_filter)
    return listed, total


async def _total(connection: PoolConnectionProxy, workflow_id: UUID, run_filter: RunFilter) -> int:
    if run_filter.contact_id is not None:
        return await run_history.count_of_contact(connection, workflow_id, run_filter.contact_id, run_filter.state)
    by_state = (await counts.states(connection, [workflow_id]))[workflow_id]
    return sum(number for state, number in by_state.items() if run_filter.state in (None, state))


async def show(service: WorkflowService, account_id: int, run_id: UUID) -> RunHistory:
    """Return a run of the account with its history. Raises NotFound."""
    stored = await _find(service, account_id, run_id)
    async with service.database.pool.acquire() as connection:
        return RunHistory(
            stored, await run_history.steps_of(connection, run_id), await run_history.caused_by_run(connection, run_id)
        )


async def cancel(service: WorkflowService, account_id: int, run_id: UUID) -> RunHistory:
    """Cancel a run at its present step; a run that has ended is not changed. Raises NotFound."""
    contact_id = (await _find(service, account_id, run_id)).run.contact_id
    async with service.database.unit_of_work(partition_of(account_id, contact_id, service.partitions)) as work:
        stored = await run_history.find(work.connection, account_id, run_id)
        assert stored is not None, "runs are never deleted"
        if stored.run.is_open:
            changes = RunChanges(work, work.now)
            changes.loaded(stored.run)
            changes.apply(Transition(end(stored.run, "cancelled", work.now, "manually")))
            await changes.save()
    return await show(service, account_id, run_id)


async def retry(service: WorkflowService, account_id: int, run_id: UUID) -> RunHistory:
    """Retry the failed step of a run, with the newest version of its workflow.

    If that has no such step, the run keeps its version. Raises NotFound, WrongState for a run that has not failed.
    """
    contact = (account_id, (await _find(service, account_id, run_id)).run.contact_id)
    partition = partition_of(*contact, service.partitions)
    async with service.database.unit_of_work(partition) as work:
        states = await backlog.load(work.connection, [partition], service.projection)
        workflows = LoadedWorkflows()
        await workflows.refresh(work.connection, states.revision)
        unit = Unit(work, workflows, service.catalogs, service.projection, work.now, states.by_partition)
        stored = await run_history.find(work.connection, account_id, run_id)
        assert stored is not None, "runs are never deleted"
        run = stored.run
        if run.state != "failed":
            raise WrongState(f"Only a failed run can be retried; this one is {run.state}.")
        if run.step_id is None:
            # It failed before failed runs stored their step.
            steps = await run_history.steps_of(work.connection, run_id)
            run = replace(run, step_id=steps[-1].step_id if steps else None)
        run = await _with_newest_version(work.connection, run, workflows.workflow(run.workflow_id))
        await unit.load([contact], [run])
        unit.resume(run)
        await unit.look_back()
        await unit.save()
        if unit.next_due:
            await runs.announce_due(work.connection)
    return await show(service, account_id, run_id)


async def _with_newest_version(connection: PoolConnectionProxy, run: Run, workflow: Workflow) -> Run:
    """Return the run with the newest version of its workflow if that still has its step."""
    newest = workflow.programs[max(workflow.programs)]
    if newest.version == run.version or run.step_id not in newest.places:
        return run
    await runs.set_version(connection, run.run_id, newest.version)
    return replace(run, version=newest.version)


class CountedStep(NamedTuple):
    """A step with its counts; `kind` is `removed` if the current version no longer has it."""

    id: str
    kind: str
    counts: StepCounts


async def step_statistics(service: WorkflowService, account_id: int, workflow_id: UUID) -> list[CountedStep]:
    """Return the counts of every step: those of the current version in the order of the definition, then removed ones.

    Raises NotFound.
    """
    async with service.database.pool.acquire() as connection:
        workflow = await find_workflow(connection, account_id, workflow_id)
        step_counts = await counts.steps(connection, workflow_id)
    current = {step.id: step.kind for _, step in walk(workflow.definition.steps) if step.id is not None}
    kinds: dict[str, str] = {**current, **dict.fromkeys(sorted(step_counts.keys() - current.keys()), "removed")}
    return [CountedStep(step_id, kind, step_counts.get(step_id, StepCounts())) for step_id, kind in kinds.items()]


async def _find(service: WorkflowService, account_id: int, run_id: UUID) -> StoredRun:
    async with service.database.pool.acquire() as connection:
        stored = await run_history.find(connection, account_id, run_id)
    if stored is None:
        raise NotFound("run", run_id)
    return stored
