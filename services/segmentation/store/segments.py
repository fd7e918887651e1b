"""The table of segments."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import Pool, PoolConnectionProxy

from shared.criteria import Criterion, Fault, InvalidCriterion, parse
from shared.criteria.parsing import NOBODY
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stored segment; `written` is its criterion in the long form.

    `unreadable`: why this version of the grammar cannot read it; `criterion` is then false for every contact.
    """

    segment_id: UUID
    name: str
    version: int
    written: dict[str, Any]
    criterion: Criterion
    created_at: datetime
    changed_at: datetime
    unreadable: tuple[Fault, ...] = ()


@lru_cache(maxsize=20_000)
def _read(text: str) -> tuple[dict[str, Any], Criterion, tuple[Fault, ...]]:
    written: dict[str, Any] = json.loads(text)
    try:
        return written, parse(written), ()
    except InvalidCriterion as invalid:
        return written, NOBODY, invalid.faults


def _segment(row: Record) -> Segment:
    written, criterion, unreadable = _read(row["criterion"])
    return Segment(
        segment_id=row["segment_id"],
        name=row["name"],
        version=row["version"],
        written=written,
        criterion=criterion,
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        unreadable=unreadable,
    )


async def read_segments(connection: Pool | PoolConnectionProxy, account_id: int) -> list[Segment]:
    """Return all segments of the account."""
    rows = await QUERIES["segments_of_account"].fetch(connection, account_id=account_id)
    return [_segment(row) for row in rows]


async def read_page(pool: Pool, account_id: int, after: UUID | None, limit: int) -> tuple[list[Segment], int]:
    """Return segments with an id above `after`, and their total number."""
    rows = await QUERIES["page_of_segments"].fetch(pool, account_id=account_id, after=after, limit=limit)
    total: int = await QUERIES["count_segments"].fetchval(pool, account_id=account_id)
    return [_segment(row) for row in rows], total


async def read_segment(connection: Pool | PoolConnectionProxy, account_id: int, segment_id: UUID) -> Segment | None:
    """Return one segment; None if the account has no such segment."""
    row = await QUERIES["segment"].fetchrow(connection, account_id=account_id, segment_id=segment_id)
    return None if row is None else _segment(row)


async def insert_segment(connection: PoolConnectionProxy, account_id: int, segment: Segment) -> None:
    """Write a new segment, version 1."""
    await QUERIES["insert_segment"].execute(
        connection,
        segment_id=segment.segment_id,
        account_id=account_id,
        name=segment.name,
        criterion=json.dumps(segment.written),
        created_at=segment.created_at,
    )


async def update_segment(connection: PoolConnectionProxy, account_id: int, segment: Segment) -> None:
    """Write a changed name and criterion, and increase the version by one."""
    await QUERIES["change_segment"].execute(
        connection,
        account_id=account_id,
        segment_id=segment.segment_id,
        name=segment.name,
        criterion=json.dumps(segment.written),
        changed_at=segment.changed_at,
    )


async def delete_segment(connection: PoolConnectionProxy, account_id: int, segment_id: UUID) -> None:
    """Delete a segment."""
    await QUERIES["delete_segment"].execute(connection, account_id=account_id, segment_id=segment_id)


def criteria_of(segments: Sequence[Segment]) -> Mapping[UUID, Criterion]:
    """Return the readable criteria of the segments by id."""
    return {segment.segment_id: segment.criterion for segment in segments if not segment.unreadable}
