"""Reads runs for people: lists of runs, and a run with its history."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.runs import Run
from services.workflow.store.runs import FollowingEvent, run_of
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


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
    contact_id: int | None,
    state: str | None,
    step_id: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Run]:
    """Return runs of a workflow, newest first, beginning after the start and the trigger of one of them.

    `step_id`: only those that are at this step now.
    """
    started_at, trigger = after or (None, None)
    rows = await QUERIES["runs_listed"].fetch(
        connection,
        workflow_id=workflow_id,
        contact_id=contact_id,
        state=state,
        step_id=step_id,
        started_at=started_at,
        trigger_event=trigger,
        limit=limit,
    )
    return [run_of(row) for row in rows]


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
