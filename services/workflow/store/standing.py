"""Workflows that are behind: paused, catching up, or taking the members that a segment has."""

from typing import NamedTuple
from uuid import UUID

import orjson
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


class Standing(NamedTuple):
    """What is so until the unit of work ends.

    `revision` is that of the definitions; `behind` the workflows that are behind in the partition; `decided`, per
    topic, the highest sequence on which a consumer of another version has decided.
    """

    revision: int
    behind: dict[UUID, Behind]
    decided: dict[str, int]


async def look(connection: PoolConnectionProxy, partition: int, projection: int) -> Standing:
    """Holds definitions and states as they are until the end of the transaction, and reads where things stand."""
    await connection.execute(QUERIES["share_definitions"])
    [row] = await connection.fetch(QUERIES["standing"], partition, projection)
    found = [Behind(UUID(one), position, active) for one, position, active in orjson.loads(row["behind"] or "[]")]
    decided = orjson.loads(row["decided"] or "{}")
    return Standing(row["revision"], {one.workflow_id: one for one in found}, decided)


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


async def end_enrolments(connection: PoolConnectionProxy, workflow_id: UUID) -> None:
    """No more members are taken."""
    await connection.execute(QUERIES["drop_enrolments"], workflow_id)


async def drop(connection: PoolConnectionProxy, workflow_id: UUID) -> None:
    """A workflow was deleted: it has nothing to catch up with."""
    await connection.execute(QUERIES["drop_backlog"], workflow_id)
    await end_enrolments(connection, workflow_id)
