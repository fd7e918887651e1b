"""Workflows that are behind: paused, catching up, or enrolling existing contacts."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.store.locks import LockClass
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class Backlog(NamedTuple):
    """A workflow that has processed events up to `position` in a partition; it catches up once it is active again."""

    partition: int
    workflow_id: UUID
    position: int
    active: bool


class Enrolment(NamedTuple):
    """A version that has enrolled existing contacts up to `contact_id` in a partition."""

    partition: int
    workflow_id: UUID
    version: int
    contact_id: int


class DecisionState(NamedTuple):
    """What cannot change for a partition number during this unit of work.

    `behind` are the workflows that are behind in it; `decided` is, per topic, the highest sequence that a consumer of
    another version has processed.
    """

    behind: dict[UUID, Backlog]
    decided: dict[str, int]


class DecisionStates(NamedTuple):
    """The revision of the definitions, and the state of each partition number of a unit of work."""

    revision: int
    by_partition: dict[int, DecisionState]


async def load(connection: PoolConnectionProxy, partitions: Collection[int], projection: int) -> DecisionStates:
    """Lock definitions and states until the end of the transaction; return the state that depends on them."""
    await QUERIES["share_definitions"].execute(connection, lock_class=LockClass.WORKFLOW_DEFINITIONS)
    [row] = await QUERIES["decision_state"].fetch(connection, partitions=list(partitions), projection=projection)
    states = {partition: DecisionState({}, {}) for partition in partitions}
    for partition, workflow, position, active in orjson.loads(row["behind"] or "[]"):
        backlog = Backlog(partition, UUID(workflow), position, active)
        states[partition].behind[backlog.workflow_id] = backlog
    for partition, topic, sequence in orjson.loads(row["decided"] or "[]"):
        states[partition].decided[topic] = sequence
    return DecisionStates(row["revision"], states)


async def hold_back(connection: PoolConnectionProxy, workflow_id: UUID, partitions: int) -> None:
    """Stop a workflow from processing events; the caller holds the lock of `definitions.next_revision`."""
    await QUERIES["hold_back"].execute(connection, workflow_id=workflow_id, partitions=partitions)


async def move(connection: PoolConnectionProxy, workflow_id: UUID, partition: int, position: int | None) -> None:
    """Store the position up to which a workflow has caught up; None if it is no longer behind."""
    if position is None:
        await QUERIES["end_backlog"].execute(connection, workflow_id=workflow_id, partition=partition)
    else:
        await QUERIES["move_backlog"].execute(
            connection, workflow_id=workflow_id, partition=partition, position=position
        )


async def begin_enrolment(connection: PoolConnectionProxy, workflow_id: UUID, partitions: int, version: int) -> None:
    """Begin to enrol existing contacts for a version, from the first one on."""
    await QUERIES["begin_enrolment"].execute(
        connection, workflow_id=workflow_id, partitions=partitions, version=version
    )


async def enrolments(connection: PoolConnectionProxy, partitions: Collection[int]) -> list[Enrolment]:
    """Return the enrolments of these partition numbers."""
    return [
        Enrolment(row["partition"], UUID(int=row["workflow_id"].int), row["version"], row["contact_id"])
        for row in await QUERIES["enrolments"].fetch(connection, partitions=list(partitions))
    ]


async def move_enrolment(
    connection: PoolConnectionProxy, workflow_id: UUID, partition: int, contact_id: int | None
) -> None:
    """Store the last contact that an enrolment has processed; None if it is done."""
    if contact_id is None:
        await QUERIES["end_enrolment"].execute(connection, workflow_id=workflow_id, partition=partition)
    else:
        await QUERIES["move_enrolment"].execute(
            connection, workflow_id=workflow_id, partition=partition, contact_id=contact_id
        )


async def end_enrolments(connection: PoolConnectionProxy, workflow_id: UUID) -> None:
    """End all enrolments of a workflow."""
    await QUERIES["drop_enrolments"].execute(connection, workflow_id=workflow_id)


async def drop(connection: PoolConnectionProxy, workflow_id: UUID) -> None:
    """Remove the backlog of a workflow that was deleted."""
    await QUERIES["drop_backlog"].execute(connection, workflow_id=workflow_id)
    await end_enrolments(connection, workflow_id)
