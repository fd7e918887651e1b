"""Counts of runs by state, and statistics of steps. Each change of a run updates them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


@dataclass(slots=True)
class StepCounts:
    """Statistics of a step: runs that passed it, wait at it, requested its message or did not, clicked, and their
    branches."""

    passed: int = 0
    waiting: int = 0
    sent: int = 0
    not_sent: int = 0
    clicked: int = 0
    went_then: int = 0
    went_else: int = 0


COLUMNS = tuple(field.name for field in fields(StepCounts))


async def add_states(connection: PoolConnectionProxy, changes: Mapping[tuple[int, UUID, str], int]) -> None:
    """Add to the counts of runs, by partition number, workflow and state."""
    changed = sorted((key, number) for key, number in changes.items() if number)
    if changed:
        await QUERIES["add_run_counts"].execute(
            connection,
            partitions=[partition for (partition, _, _), _ in changed],
            workflow_ids=[workflow_id for (_, workflow_id, _), _ in changed],
            states=[state for (_, _, state), _ in changed],
            numbers=[number for _, number in changed],
        )


async def add_steps(connection: PoolConnectionProxy, changes: Mapping[tuple[int, UUID, str], StepCounts]) -> None:
    """Add to the counts of steps, by partition number, workflow and step."""
    changed = sorted(changes)
    if changed:
        await QUERIES["add_step_counts"].execute(
            connection,
            partitions=[partition for partition, _, _ in changed],
            workflow_ids=[workflow_id for _, workflow_id, _ in changed],
            step_ids=[step_id for _, _, step_id in changed],
            **{column: [getattr(changes[key], column) for key in changed] for column in COLUMNS},
        )


async def states(connection: PoolConnectionProxy, workflows: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the number of runs of each workflow, by state."""
    numbers: dict[UUID, dict[str, int]] = {workflow: {} for workflow in workflows}
    for row in await QUERIES["run_counts"].fetch(connection, workflow_ids=workflows):
        numbers[UUID(int=row["workflow_id"].int)][row["state"]] = int(row["number"])
    return numbers


async def steps(connection: PoolConnectionProxy, workflow_id: UUID) -> dict[str, StepCounts]:
    """Return the counts of each step of a workflow, over all its versions."""
    rows = await QUERIES["step_counts"].fetch(connection, workflow_id=workflow_id)
    return {row["step_id"]: StepCounts(*(int(row[column]) for column in COLUMNS)) for row in rows}


async def first_clicks(
    connection: PoolConnectionProxy, clicks: Collection[tuple[UUID, UUID]], now: datetime
) -> list[tuple[int, UUID, str]]:
    """Record that messages of runs were clicked; `clicks` are pairs of run and message.

    Returns the partition number, the workflow and the step that sent the message, for each that had not been clicked
    before.
    """
    pairs = sorted(clicks)
    rows = await QUERIES["first_clicks"].fetch(
        connection, run_ids=[run for run, _ in pairs], message_ids=[message for _, message in pairs], now=now
    )
    return [(row["partition"], UUID(int=row["workflow_id"].int), row["step_id"]) for row in rows]
