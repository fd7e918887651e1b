"""Endpoints of runs: list, show, cancel, retry."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.workflow.api.dependencies import Reader, Workflows, Writer
from services.workflow.api.errors import as_problems
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
from services.workflow.domain.runs import Run
from services.workflow.store.run_history import CausedEvent, Counted, RunFilter, StoredStep
from services.workflow.use_cases import watching_runs
from services.workflow.use_cases.watching_runs import RunHistory
from shared.events.envelope import ContactId
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router

router = Router(prefix="/v1", tags=["runs"])


@router.get("/workflows/{workflow_id}/runs", summary="List runs")
async def list_runs(
    service: Workflows,
    caller: Reader,
    workflow_id: UUID,
    page: Annotated[PageRequest, page_request()],
    contact_id: Annotated[ContactId | None, Query(description="Only runs of this contact.")] = None,
    state: Annotated[RunState | None, Query(description="Only runs in this state.")] = None,
    step: Annotated[
        str | None, Query(max_length=100, description="Only runs with the `outcome` at the step with this id.")
    ] = None,
    outcome: Annotated[
        Counted | None,
        Query(
            description="With `step`: what the runs did there, by the names of the numbers in `/steps`. `waiting`, the "
            "default, means now; `then` and `else` are the branches by which they left.",
        ),
    ] = None,
) -> Page[RunAnswer]:
    """Return the workflow's runs, newest first; with an `outcome` other than `waiting`, by the time of the outcome.

    `total` is null with `step`: `/steps` has those numbers.
    """
    if outcome is not None and step is None:
        raise Problem(422, "`outcome` requires `step`.", errors=[FieldError("/query/outcome", "requires `step`")])
    run_filter = RunFilter(contact_id, state, step, outcome or "waiting")
    with as_problems():
        listed_runs, total = await watching_runs.list_page(
            service, caller.account_id, workflow_id, run_filter, page.key(datetime, UUID), page.fetch
        )
    return Page[RunAnswer].of(
        listed_runs,
        page,
        key=lambda listed: list(listed.place),
        item=lambda listed: RunAnswer(**_fields(listed.run)),
        total=total,
    )


@router.get("/runs/{run_id}", summary="Show a run")
async def show_run(service: Workflows, caller: Reader, run_id: UUID) -> RunDetail:
    """Return every step with its time, the values read and its result, the run's cause and its consequences."""
    with as_problems():
        return _detail(await watching_runs.show(service, caller.account_id, run_id))


@router.post("/runs/{run_id}/cancel", summary="Cancel a run")
async def cancel_run(service: Workflows, caller: Writer, run_id: UUID) -> RunDetail:
    """End a run at its current step; a run that has ended is not changed."""
    with as_problems():
        return _detail(await watching_runs.cancel(service, caller.account_id, run_id))


@router.post("/runs/{run_id}/retry", summary="Retry a failed run")
async def retry_run(service: Workflows, caller: Writer, run_id: UUID) -> RunDetail:
    """Retry a failed run from the step that failed. 409 for a run that has not failed.

    If the newest version of the workflow still has that step, the run continues with that version: correct the step,
    then retry.
    """
    with as_problems():
        return _detail(await watching_runs.retry(service, caller.account_id, run_id))


def _detail(history: RunHistory) -> RunDetail:
    stored = history.stored
    caused_by = {"type": stored.run.trigger_type, "correlation_id": stored.trigger_correlation}
    return RunDetail(
        **_fields(stored.run),
        condition=stored.saw,
        caused_by=caused_by | stored.trigger_body,
        steps=[_step(step) for step in history.steps],
        caused=[_following(caused) for caused in history.caused],
        depth=stored.run.depth,
    )


def _fields(run: Run) -> dict[str, Any]:
    waiting = None
    if run.is_open and run.step_id is not None:
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


def _step(step: StoredStep) -> StepAnswer:
    return StepAnswer(
        number=step.number,
        id=step.step_id,
        kind=step.kind,
        at=step.at,
        saw=step.saw,
        result=step.result,
        event_id=step.cause_event,
    )


def _following(caused: CausedEvent) -> FollowingAnswer:
    event = caused.event
    return FollowingAnswer(
        type=event.type,
        event_id=event.event_id,
        step_id=event.step_id,
        causation_id=event.caused_by,
        occurred_at=event.occurred_at,
        requested=event.by_run,
        started=[StartedRun(**started) for started in caused.started],
    )
