"""The numbers of members of segments at the end of each day."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from asyncpg.pool import Pool, PoolConnectionProxy

from services.segmentation.domain.account_slice import AccountSlice
from shared.store.queries import queries_of

RETENTION = timedelta(days=732)

_QUERIES = queries_of(__file__)


async def write_ended_days(connection: PoolConnectionProxy, partition: int, slices: Sequence[AccountSlice]) -> None:
    """Write the numbers of members at the end of slices' past days; delete expired days."""
    ended = [
        (account.ended.day, segment_id, members)
        for account in slices
        if account.ended is not None
        for segment_id, members in account.ended.members.items()
    ]
    if ended:
        segments = [segment_id for _, segment_id, _ in ended]
        await _QUERIES["write_ended_days"].execute(
            connection,
            partition=partition,
            segments=segments,
            days=[day for day, _, _ in ended],
            members=[members for _, _, members in ended],
        )
        oldest = min(day for day, _, _ in ended) - RETENTION
        await _QUERIES["forget_old_days"].execute(connection, partition=partition, segments=segments, before=oldest)
    for account in slices:
        account.ended = None


async def forget_segments(connection: PoolConnectionProxy, partition: int, segment_ids: Sequence[UUID]) -> None:
    """Delete the days of deleted segments."""
    await _QUERIES["forget_segments"].execute(connection, partition=partition, segments=segment_ids)


async def read_days(pool: Pool, segment_id: UUID, since: date) -> list[tuple[date, int]]:
    """Return the recorded days since `since`, each with the number of members at its end."""
    rows = await _QUERIES["days_of_segment"].fetch(pool, segment_id=segment_id, since=since)
    return [(row["day"], row["members"]) for row in rows]
