"""The published entries into and exits from segments."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import Pool

from shared.events.segmentation import Reason
from shared.store.queries import queries_of

_QUERIES = queries_of(__file__)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
_FIRST_ID = UUID(int=0)


class MembershipChange(NamedTuple):
    """A contact entered or left a segment."""

    at: datetime
    event_id: UUID
    contact_id: int
    enters: bool
    segment_id: UUID
    reason: Reason


class Wanted(NamedTuple):
    """A filter of changes: of one segment or all, entries, exits or both (None), from `since` to before `until`."""

    since: datetime
    until: datetime = LATEST
    segment_id: UUID | None = None
    enters: bool | None = None


async def read_changes(
    pool: Pool, account_id: int, wanted: Wanted, before: tuple[datetime, UUID] | None, limit: int
) -> list[MembershipChange]:
    """Return the next changes before a time and event, newest first."""
    time, event_id = before or (wanted.until, _FIRST_ID)
    rows = await _QUERIES["membership_changes"].fetch(
        pool,
        account_id=account_id,
        since=wanted.since,
        segment_id=wanted.segment_id,
        enters=wanted.enters,
        before=time,
        before_id=event_id,
        limit=limit,
    )
    return [MembershipChange(*row) for row in rows]
