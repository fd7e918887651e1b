"""Reads runs for people: lists of runs, and a run with its history."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.runs import PASSED, Run
from services.workflow.store.runs import FollowingEvent, run_of
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


PlaceInList = tuple[datetime, UUID]
Counted = Literal["waiting", "passed", "sent", "not_sent", "clicked", "then", "else"]  # what is counted at a step


class RunFilter(NamedTuple):
    """A filter of runs; None stands for any. `outcome` is that of the step; it is ignored without `step_id`."""

    contact_id: int | None = None
    state: str | None = None
    step_id: str | None = None
    outcome: Counted = "waiting"


class ListedRun(NamedTuple):
    """A run with its place in a list: a time and an id."""

    run: Run
    place: PlaceInList


class StoredRun(NamedTuple):
    """A stored run with its additional data: see `NewRun`."""

    run: Run
    saw: dict[str, Any] | None
    trigger_body: dict[str, Any]
    trigger_correlation: str | None


class StoredStep(NamedTuple):
    """A step that a run took."""

    number: int
    step_id: str
    kind: str
    at: datetime
    saw: dict[str, Any] | None
    result: dict[str, Any]
    cause_event: str


class CausedEvent(NamedTuple):
    """An event that a run caused, with the runs (id, workflow, state) that it started."""

    event: FollowingEvent
    started: list[dict[str, Any]]


async def find(connection: PoolConnectionProxy, account_id: int, run_id: UUID) -> StoredRun | None:
    """Return a run of the account; None if there is none."""
    row = await QUERIES["run_of_id"].fetchrow(connection, run_id=run_id, account_id=account_id)
    if row is None:
        return None
    return StoredRun(run_of(row), _value(row["saw"]), orjson.loads(row["trigger_body"]), row["trigger_correlation"])


async def listed(
    connection: PoolConnectionProxy,
    workflow_id: UUID,
    run_filter: RunFilter,
    after: PlaceInList | None,
    limit: int,
) -> list[ListedRun]:
    """Return runs of a workflow, newest first, after a place in the list.

    The time is that of the outcome at a step, if the filter has one; otherwise that of the run's start.
    """
    if run_filter.step_id is not None and run_filter.outcome != "waiting":
        return await _with_outcome(connection, workflow_id, run_filter.step_id, run_filter, after, limit)
    started_at, trigger = after or (None, None)
    rows = await QUERIES["runs_listed"].fetch(
        connection,
        workflow_id=workflow_id,
        contact_id=run_filter.contact_id,
        state=run_filter.state,
        step_id=run_filter.step_id,
        started_at=started_at,
        trigger_event=trigger,
        limit=limit,
    )
    runs = [run_of(row) for row in rows]
    return [ListedRun(run, (run.started_at, run.trigger_event)) for run in runs]


async def _with_outcome(
    connection: PoolConnectionProxy,
    workflow_id: UUID,
    step_id: str,
    run_filter: RunFilter,
    after: PlaceInList | None,
    limit: int,
) -> list[ListedRun]:
    at, run_id = after or (None, None)
    conditions = {
        "workflow_id": workflow_id,
        "step_id": step_id,
        "contact_id": run_filter.contact_id,
        "state": run_filter.state,
        "at": at,
        "run_id": run_id,
        "limit": limit,
    }
    if run_filter.outcome == "clicked":
        rows = await QUERIES["runs_clicked"].fetch(connection, **conditions)
    else:
        outcomes = PASSED if run_filter.outcome == "passed" else (run_filter.outcome,)
        rows = await QUERIES["runs_by_outcome"].fetch(connection, outcomes=outcomes, **conditions)
    runs = [(run_of(row), row["at"]) for row in rows]
    return [ListedRun(run, (at, run.run_id)) for run, at in runs]


async def count_of_contact(
    connection: PoolConnectionProxy, workflow_id: UUID, contact_id: int, state: str | None
) -> int:
    """Return the number of a contact's runs of a workflow; `counts` has the numbers of all contacts."""
    number: int = await QUERIES["count_runs"].fetchval(
        connection, workflow_id=workflow_id, contact_id=contact_id, state=state
    )
    return number


async def steps_of(connection: PoolConnectionProxy, run_id: UUID) -> list[StoredStep]:
    """Return the steps that a run took, in order."""
    return [
        StoredStep(
            row["number"],
            row["step_id"],
            row["kind"],
            row["at"],
            _value(row["saw"]),
            orjson.loads(row["result"]),
            row["cause_event"],
        )
        for row in await QUERIES["run_steps"].fetch(connection, run_id=run_id)
    ]


async def caused_by_run(connection: PoolConnectionProxy, run_id: UUID) -> list[CausedEvent]:
    """Return the events that a run caused, in order of time."""
    return [
        CausedEvent(
            FollowingEvent(
                UUID(int=row["event_id"].int),
                run_id,
                row["step_id"],
                row["type"],
                row["caused_by"],
                row["occurred_at"],
                row["by_run"],
            ),
            [orjson.loads(started) for started in row["started"]],
        )
        for row in await QUERIES["run_effects"].fetch(connection, run_id=run_id)
    ]


def _value(stored: str | None) -> dict[str, Any] | None:
    return None if stored is None else orjson.loads(stored)
