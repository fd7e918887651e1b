"""Runs, the steps that they took, and the events that they caused."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.runs import Causation, Run, StepTaken
from services.workflow.domain.starting import EntryHistory
from services.workflow.store.contacts import Contact, columns
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

DUE_CHANNEL = "workflow_due"  # the channel that tells other workers that a run is due

RUN_COLUMNS = (
    "run_id",
    "workflow_id",
    "version",
    "account_id",
    "contact_id",
    "partition",
    "state",
    "step_id",
    "since",
    "due_at",
    "steps_taken",
    "taken",
    "trigger_type",
    "trigger_event",
    "trigger_occurred_at",
    "trigger_recorded_at",
    "depth",
    "started_at",
    "cause_event",
    "correlation_id",
    "trace",
    "ended_at",
    "reason",
    "saw",
    "trigger_body",
    "trigger_correlation",
)
STEP_COLUMNS = (
    "run_id",
    "number",
    "step_id",
    "kind",
    "at",
    "saw",
    "result",
    "cause_event",
    "workflow_id",
    "outcome",
)
EFFECT_COLUMNS = ("event_id", "run_id", "step_id", "type", "caused_by", "occurred_at", "by_run")


class NewRun(NamedTuple):
    """A new run, the values that its condition read, and the unchanged event that started it, with its correlation
    id."""

    run: Run
    saw: dict[str, Any] | None
    trigger_body: bytes
    trigger_correlation: str | None


class FollowingEvent(NamedTuple):
    """An event that a run caused: issued by a step (`by_run`), or a consequence of such an event."""

    event_id: UUID
    run_id: UUID
    step_id: str | None
    type: str
    caused_by: str | None
    occurred_at: datetime
    by_run: bool


def run_of(row: Record) -> Run:
    """Return the run that a row of `runs` holds."""
    return Run(
        run_id=UUID(int=row["run_id"].int),
        workflow_id=UUID(int=row["workflow_id"].int),
        version=row["version"],
        account_id=row["account_id"],
        contact_id=row["contact_id"],
        state=row["state"],
        step_id=row["step_id"],
        since=row["since"],
        due_at=row["due_at"],
        steps_taken=row["steps_taken"],
        taken=tuple(UUID(int=event.int) for event in row["taken"]),
        trigger_type=row["trigger_type"],
        trigger_event=UUID(int=row["trigger_event"].int),
        trigger_occurred_at=row["trigger_occurred_at"],
        trigger_recorded_at=row["trigger_recorded_at"],
        depth=row["depth"],
        started_at=row["started_at"],
        cause=Causation(row["cause_event"], row["correlation_id"], row["trace"]),
        ended_at=row["ended_at"],
        reason=row["reason"],
    )


async def running(connection: PoolConnectionProxy, contacts: Collection[Contact]) -> list[Run]:
    """Return the open runs of contacts, oldest first."""
    return [run_of(row) for row in await QUERIES["runs_running"].fetch(connection, **columns(contacts))]


async def due(connection: PoolConnectionProxy, partitions: Collection[int], now: datetime, limit: int) -> list[Run]:
    """Return due runs, the earliest `limit` of each partition number, without those of workflows that are behind."""
    rows = await QUERIES["runs_due"].fetch(connection, partitions=list(partitions), now=now, limit=limit)
    return [run_of(row) for row in rows]


async def next_due(connection: PoolConnectionProxy, partitions: Collection[int]) -> dict[int, datetime]:
    """Return when the first run of each partition number is due; numbers without such a run are absent."""
    rows = await QUERIES["next_due"].fetch(connection, partitions=list(partitions))
    return {row["partition"]: row["due_at"] for row in rows}


class BlockedStep(NamedTuple):
    """A step of a version at which runs of a partition number are blocked."""

    partition: int
    workflow_id: UUID
    version: int
    step_id: str


async def blocked_steps(connection: PoolConnectionProxy, partitions: Collection[int]) -> list[BlockedStep]:
    """Return the steps at which runs are blocked, without those of workflows that are behind."""
    rows = await QUERIES["blocked_steps"].fetch(connection, partitions=list(partitions))
    return [
        BlockedStep(row["partition"], UUID(int=row["workflow_id"].int), row["version"], row["step_id"]) for row in rows
    ]


async def blocked(connection: PoolConnectionProxy, step: BlockedStep, limit: int) -> list[Run]:
    """Return runs that are blocked at a step."""
    rows = await QUERIES["runs_blocked"].fetch(connection, **step._asdict(), limit=limit)
    return [run_of(row) for row in rows]


class DeletedWorkflow(NamedTuple):
    """A deleted workflow that may have open runs in a partition number."""

    partition: int
    workflow_id: UUID


async def deleted_workflows(connection: PoolConnectionProxy, partitions: Collection[int]) -> list[DeletedWorkflow]:
    """Return the deleted workflows that may have open runs in these partition numbers."""
    rows = await QUERIES["deletions"].fetch(connection, partitions=list(partitions))
    return [DeletedWorkflow(row["partition"], UUID(int=row["workflow_id"].int)) for row in rows]


async def open_of_workflow(connection: PoolConnectionProxy, workflow_id: UUID, partition: int, limit: int) -> list[Run]:
    """Return open runs of a workflow in a partition number."""
    rows = await QUERIES["open_runs_of_workflow"].fetch(
        connection, workflow_id=workflow_id, partition=partition, limit=limit
    )
    return [run_of(row) for row in rows]


async def begin_deletion(connection: PoolConnectionProxy, workflow_id: UUID, partitions: int) -> None:
    """Insert a deleted workflow, whose open runs ticks will cancel."""
    await QUERIES["begin_deletion"].execute(connection, workflow_id=workflow_id, partitions=partitions)


async def end_deletion(connection: PoolConnectionProxy, workflow_id: UUID, partition: int) -> None:
    """Record that a deleted workflow has no more open runs in a partition number."""
    await QUERIES["end_deletion"].execute(connection, workflow_id=workflow_id, partition=partition)


async def entry_histories(
    connection: PoolConnectionProxy, pairs: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], EntryHistory]:
    """Return how often each contact started each workflow."""
    histories = {pair: EntryHistory() for pair in pairs}
    workflows, contacts = [workflow for workflow, _ in histories], [contact for _, contact in histories]
    for row in await QUERIES["past_of_pairs"].fetch(connection, workflow_ids=workflows, contact_ids=contacts):
        histories[UUID(int=row["workflow_id"].int), row["contact_id"]] = EntryHistory(
            row["started"], row["running"], seen_before=True
        )
    return histories


async def existing(connection: PoolConnectionProxy, runs: Collection[UUID]) -> set[UUID]:
    """Return which of these runs exist already."""
    return {UUID(int=row["run_id"].int) for row in await QUERIES["runs_existing"].fetch(connection, run_ids=list(runs))}


async def depths(connection: PoolConnectionProxy, runs: Collection[UUID]) -> dict[UUID, int]:
    """Return the depth of each of these runs that exists."""
    rows = await QUERIES["depths"].fetch(connection, run_ids=list(runs))
    return {UUID(int=row["run_id"].int): row["depth"] for row in rows}


async def causing_runs(connection: PoolConnectionProxy, events: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the run that caused each of these events, if there is one."""
    rows = await QUERIES["effects_of_events"].fetch(connection, event_ids=list(events))
    return {UUID(int=row["event_id"].int): UUID(int=row["run_id"].int) for row in rows}


async def insert(connection: PoolConnectionProxy, new: Sequence[NewRun], number_of: Callable[[int, int], int]) -> None:
    """Insert new runs; `number_of` returns the partition number of a contact."""
    if new:
        rows = [_row(number_of(*new_run.run.contact), new_run) for new_run in new]
        await connection.copy_records_to_table("runs", records=rows, columns=RUN_COLUMNS)


def _row(partition: int, new: NewRun) -> tuple[object, ...]:
    run = new.run
    return (
        run.run_id, run.workflow_id, run.version, run.account_id, run.contact_id, partition, run.state, run.step_id,
        run.since, run.due_at, run.steps_taken, run.taken, run.trigger_type, run.trigger_event,
        run.trigger_occurred_at, run.trigger_recorded_at, run.depth, run.started_at, run.cause.event_id,
        run.cause.correlation_id, run.cause.trace, run.ended_at, run.reason, _json(new.saw), new.trigger_body,
        new.trigger_correlation,
    )  # fmt: skip


async def update(connection: PoolConnectionProxy, runs: Sequence[Run]) -> None:
    """Update runs that have moved."""
    if runs:
        await QUERIES["update_runs"].execute(
            connection,
            run_ids=[run.run_id for run in runs],
            states=[run.state for run in runs],
            step_ids=[run.step_id for run in runs],
            since=[run.since for run in runs],
            due_at=[run.due_at for run in runs],
            steps_taken=[run.steps_taken for run in runs],
            taken=["{" + ",".join(map(str, run.taken)) + "}" for run in runs],
            cause_events=[run.cause.event_id for run in runs],
            correlation_ids=[run.cause.correlation_id for run in runs],
            traces=[run.cause.trace for run in runs],
            ended_at=[run.ended_at for run in runs],
            reasons=[run.reason for run in runs],
        )


async def set_version(connection: PoolConnectionProxy, run_id: UUID, version: int) -> None:
    """Set the version of the workflow that a run uses."""
    await QUERIES["set_version"].execute(connection, run_id=run_id, version=version)


async def insert_steps(connection: PoolConnectionProxy, steps: Sequence[tuple[Run, StepTaken]]) -> None:
    """Insert the steps taken, each with its run."""
    if steps:
        rows = [
            (
                run.run_id,
                step.number,
                step.step_id,
                step.kind,
                step.at,
                _json(step.saw),
                _json(step.result),
                step.cause.event_id,
                run.workflow_id,
                step.outcome,
            )
            for run, step in steps
        ]
        await connection.copy_records_to_table("run_steps", records=rows, columns=STEP_COLUMNS)


async def insert_effects(connection: PoolConnectionProxy, events: Sequence[FollowingEvent]) -> None:
    """Insert events that runs caused."""
    if events:
        await connection.copy_records_to_table("effects", records=events, columns=EFFECT_COLUMNS)


async def blank_what_was_seen(
    connection: PoolConnectionProxy, contacts: Collection[Contact], workflows: Collection[UUID]
) -> None:
    """Blank the values that conditions read about erased contacts."""
    await QUERIES["blank_what_was_seen"].execute(connection, **columns(contacts), workflow_ids=list(workflows))


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


async def keep_alive(connection: PoolConnectionProxy) -> None:
    """Keep the connection's idle time-out from firing, and yield to other tasks."""
    await QUERIES["keep_alive"].execute(connection)


async def announce_due(connection: PoolConnectionProxy) -> None:
    """Wake the workers after the commit: a run is due at a new time."""
    await QUERIES["announce_due"].execute(connection, channel=DUE_CHANNEL)
