"""Reads the published entries into segments and exits from them."""

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


class ChangeFilter(NamedTuple):
    """A filter of changes: from `since` to before `until`. None means all segments, and both entries and exits."""

    since: datetime
    until: datetime = LATEST
    segment_id: UUID | None = None
    enters: bool | None = None


async def read_changes(
    pool: Pool, account_id: int, change_filter: ChangeFilter, before: tuple[datetime, UUID] | None, limit: int
) -> list[MembershipChange]:
    """Return at most `limit` changes that satisfy the filter, newest first.

    `before`: time and event of the last change of the previous page; None for the first page.
    """
    time, event_id = before or (change_filter.until, _FIRST_ID)
    rows = await _QUERIES["membership_changes"].fetch(
        pool,
        account_id=account_id,
        since=change_filter.since,
        segment_id=change_filter.segment_id,
        enters=change_filter.enters,
        before=time,
        before_id=event_id,
        limit=limit,
    )
    return [MembershipChange(*row) for row in rows]
