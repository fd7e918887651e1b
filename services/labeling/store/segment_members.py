"""Members of segments, one bitmap of contact ids per segment and partition number."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)

Place = tuple[UUID, int]  # segment id, partition number


class Segment(NamedTuple):
    """The account and the name of a segment."""

    account_id: int
    name: str


async def members_at(connection: PoolConnectionProxy, places: Collection[Place]) -> dict[Place, BitMap]:
    """Return the stored bitmaps of `places`."""
    if not places:
        return {}
    segment_ids, partitions = zip(*places, strict=True)
    rows = await QUERIES["members"].fetch(connection, segment_ids=segment_ids, partitions=partitions)
    return {(UUID(int=row["segment_id"].int), row["partition"]): BitMap.deserialize(row["members"]) for row in rows}


async def members_of(connection: Executor, account_id: int, segment_id: UUID) -> BitMap | None:
    """Return the members of a segment; None if it never had a member."""
    rows = await QUERIES["members_of_segment"].fetch(connection, account_id=account_id, segment_id=segment_id)
    return BitMap.union(*(BitMap.deserialize(row["members"]) for row in rows)) if rows else None


async def write_members(
    connection: PoolConnectionProxy, members: Mapping[Place, BitMap], segments: Mapping[UUID, Segment]
) -> None:
    """Insert or replace the bitmaps `members`; `segments` has the segments of all places."""
    if not members:
        return
    places = sorted(members, key=lambda place: (place[1], place[0]))
    await QUERIES["write_members"].execute(
        connection,
        segment_ids=[segment_id for segment_id, _ in places],
        partitions=[partition for _, partition in places],
        account_ids=[segments[segment_id].account_id for segment_id, _ in places],
        names=[segments[segment_id].name for segment_id, _ in places],
        members=[members[place].serialize() for place in places],
    )
