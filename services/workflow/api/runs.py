"""Runs: listed, shown with all that they did, cancelled."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import orjson
from asyncpg import Record
from fastapi import Query

from services.workflow.api.models import (
    FollowingAnswer,
    RunAnswer,
    RunDetail,
    RunState,
    StartedRun,
    StepAnswer,
    TriggerAnswer,
    WaitingAnswer,
)
from services.workflow.api.service import Workflows, WorkflowService, named
from services.workflow.domain.progress import end
from services.workflow.domain.runs import Run
from services.workflow.store import QUERIES, runs
from shared.events.envelope import ContactId
from shared.events.topics import partition_of
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(prefix="/v1", tags=["runs"])

Writer = Annotated[Caller, requires("write")]
Reader = Annotated[Caller, requires("read")]


@router.get("/workflows/{workflow_id}/runs", summary="List runs")
async def list_runs(
    service: Workflows,
    caller: Reader,
    workflow_id: UUID,
    page: Annotated[PageRequest, page_request()],
    contact_id: Annotated[ContactId | None, Query(description="Only this contact's.")] = None,
    state: Annotated[RunState | None, Query(description="Only those in this state.")] = None,
) -> Page[RunAnswer]:
    """The workflow's runs, newest first."""
    started_at, trigger = page.key(datetime, UUID) or (None, None)
    async with service.database.pool.acquire() as connection:
        await named(connection, caller.account_id, workflow_id)
        rows = await connection.fetch(
            QUERIES["runs_listed"], workflow_id, contact_id, state, started_at, trigger, page.fetch
        )
        total = await connection.fetchval(QUERIES["count_runs"], workflow_id, contact_id, state)
    return Page[RunAnswer].of(
        [runs.run_of(row) for row in rows],
        page,
        key=lambda run: [run.started_at, run.trigger_event],
        item=lambda run: RunAnswer(**_fields(run)),
        total=total,
    )


@router.get("/runs/{run_id}", summary="Show a run")
async def show_run(service: Workflows, caller: Reader, run_id: UUID) -> RunDetail:
    """Every step taken, when, what it saw and with what result; what caused the run, and what it caused."""
    return await _detail(service, caller.account_id, run_id)


@router.post("/runs/{run_id}/cancel", summary="Cancel a run")
async def cancel_run(service: Workflows, caller: Writer, run_id: UUID) -> RunDetail:
    """Ends a run where it stands; one that has ended stays as it is."""
    found = await _row(service, caller.account_id, run_id)
    partition = partition_of(found["account_id"], found["contact_id"], service.partitions)
    async with service.database.unit_of_work(partition) as work:
        row = await work.connection.fetchrow(QUERIES["run_of_id"], run_id, caller.account_id)
        assert row is not None, "runs are never deleted"
        run = runs.run_of(row)
        if run.state == "running":
            await runs.update(work.connection, [end(run, "cancelled", work.now, "by hand")])
    return await _detail(service, caller.account_id, run_id)


async def _row(service: WorkflowService, account_id: int, run_id: UUID) -> Record:
    row = await service.database.pool.fetchrow(QUERIES["run_of_id"], run_id, account_id)
    if row is None:
        raise Problem(404, "There is no such run.")
    return row


async def _detail(service: WorkflowService, account_id: int, run_id: UUID) -> RunDetail:
    row = await _row(service, account_id, run_id)
    async with service.database.pool.acquire() as connection:
        steps = await connection.fetch(QUERIES["run_steps"], run_id)
        effects = await connection.fetch(QUERIES["run_effects"], run_id)
    run = runs.run_of(row)
    return RunDetail(
        **_fields(run),
        condition=None if row["saw"] is None else orjson.loads(row["saw"]),
        caused_by={"type": run.trigger_type, "correlation_id": row["trigger_correlation"]}
        | orjson.loads(row["trigger_body"]),
        steps=[_step(step) for step in steps],
        caused=[_following(effect) for effect in effects],
        depth=run.depth,
    )


def _fields(run: Run) -> dict[str, object]:
    waiting = None
    if run.state == "running" and run.step_id is not None:
        waiting = WaitingAnswer(step_id=run.step_id, since=run.since, until=run.due_at)
    return {
        "id": run.run_id,
        "workflow_id": run.workflow_id,
        "version": run.version,
        "contact_id": run.contact_id,
        "state": run.state,
        "reason": run.reason,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "trigger": TriggerAnswer(
            type=run.trigger_type,
            event_id=run.trigger_event,
            occurred_at=run.trigger_occurred_at,
            recorded_at=run.trigger_recorded_at,
        ),
        "waiting": waiting,
    }


def _step(row: Record) -> StepAnswer:
    return StepAnswer(
        number=row["number"],
        id=row["step_id"],
        kind=row["kind"],
        at=row["at"],
        saw=None if row["saw"] is None else orjson.loads(row["saw"]),
        result=orjson.loads(row["result"]),
        event_id=row["cause_event"],
    )


def _following(row: Record) -> FollowingAnswer:
    return FollowingAnswer(
        type=row["type"],
        event_id=UUID(int=row["event_id"].int),
        step_id=row["step_id"],
        causation_id=row["caused_by"],
        occurred_at=row["occurred_at"],
        requested=row["by_run"],
        started=[StartedRun(**orjson.loads(started)) for started in row["started"]],
    )
