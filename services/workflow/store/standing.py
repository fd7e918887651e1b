"""Workflows that are behind: paused, catching up, or taking the members that a segment has."""

from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.store import QUERIES


class Behind(NamedTuple):
    """A workflow that has decided up to `position` in a partition; it catches up when it is active again."""

    workflow_id: UUID
    position: int
    active: bool


class Enrolment(NamedTuple):
    """A version that takes the members of its segments, up to `contact_id` in a partition."""

    workflow_id: UUID
    version: int
    contact_id: int


async def behind(connection: PoolConnectionProxy, partition: int) -> dict[UUID, Behind]:
    """The workflows that are behind in a partition."""
    found = [
        Behind(UUID(int=row["workflow_id"].int), row["position"], row["state"] == "active")
        for row in await connection.fetch(QUERIES["backlog"], partition)
    ]
    return {one.workflow_id: one for one in found}


async def hold_back(connection: PoolConnectionProxy, workflow_id: UUID, partitions: int) -> None:
    """From now on a workflow decides on nothing; must hold the lock of `definitions.next_revision`."""
    await connection.execute(QUERIES["hold_back"], workflow_id, partitions)


async def move(connection: PoolConnectionProxy, workflow_id: UUID, partition: int, position: int | None) -> None:
    """How far a workflow has caught up; None: wholly."""
    if position is None:
        await connection.execute(QUERIES["end_backlog"], workflow_id, partition)
    else:
        await connection.execute(QUERIES["move_backlog"], workflow_id, partition, position)


async def begin_enrolment(connection: PoolConnectionProxy, workflow_id: UUID, partitions: int, version: int) -> None:
    """A version takes the members that its segments have, from the first one on."""
    await connection.execute(QUERIES["begin_enrolment"], workflow_id, partitions, version)


async def enrolments(connection: PoolConnectionProxy, partition: int) -> list[Enrolment]:
    """What is to be taken in a partition."""
    return [
        Enrolment(UUID(int=row["workflow_id"].int), row["version"], row["contact_id"])
        for row in await connection.fetch(QUERIES["enrolments"], partition)
    ]


async def move_enrolment(
    connection: PoolConnectionProxy, workflow_id: UUID, partition: int, contact_id: int | None
) -> None:
    """How far an enrolment has come; None: it is done."""
    if contact_id is None:
        await connection.execute(QUERIES["end_enrolment"], workflow_id, partition)
    else:
        await connection.execute(QUERIES["move_enrolment"], workflow_id, partition, contact_id)


async def drop(connection: PoolConnectionProxy, workflow_id: UUID) -> None:
    """A workflow was deleted: it has nothing to catch up with."""
    await connection.execute(QUERIES["drop_backlog"], workflow_id)
    await connection.execute(QUERIES["drop_enrolments"], workflow_id)
