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

from services.segmentation.store import QUERIES
from shared.criteria import Criterion, parse


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is kept; `written` is its criterion in the long form."""

    segment_id: UUID
    name: str
    version: int
    written: dict[str, Any]
    criterion: Criterion
    created_at: datetime
    changed_at: datetime


@lru_cache(maxsize=20_000)
def _read(text: str) -> tuple[dict[str, Any], Criterion]:
    written: dict[str, Any] = json.loads(text)
    return written, parse(written)


def _segment(row: Record) -> Segment:
    written, criterion = _read(row["criterion"])
    return Segment(
        segment_id=row["segment_id"],
        name=row["name"],
        version=row["version"],
        written=written,
        criterion=criterion,
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


async def read_segments(connection: Pool | PoolConnectionProxy, account_id: int) -> list[Segment]:
    """All segments of the account."""
    return [_segment(row) for row in await connection.fetch(QUERIES["segments_of_account"], account_id)]


async def read_page(pool: Pool, account_id: int, after: UUID | None, limit: int) -> tuple[list[Segment], int]:
    """Segments with an id above `after`, and how many the account has."""
    rows = await pool.fetch(QUERIES["page_of_segments"], account_id, after, limit)
    return [_segment(row) for row in rows], await pool.fetchval(QUERIES["count_segments"], account_id)


async def read_segment(connection: Pool | PoolConnectionProxy, account_id: int, segment_id: UUID) -> Segment | None:
    """One segment; None if the account has no such."""
    row = await connection.fetchrow(QUERIES["segment"], account_id, segment_id)
    return None if row is None else _segment(row)


async def insert_segment(connection: PoolConnectionProxy, account_id: int, segment: Segment) -> None:
    """A new one, version 1."""
    await connection.execute(
        QUERIES["insert_segment"],
        segment.segment_id,
        account_id,
        segment.name,
        json.dumps(segment.written),
        segment.created_at,
    )


async def change_segment(
    connection: PoolConnectionProxy,
    account_id: int,
    segment_id: UUID,
    name: str,
    criterion: dict[str, Any],
    now: datetime,
) -> None:
    """A new name and criterion; the version goes up."""
    await connection.execute(QUERIES["change_segment"], account_id, segment_id, name, json.dumps(criterion), now)


async def delete_segment(connection: PoolConnectionProxy, account_id: int, segment_id: UUID) -> None:
    """The segment is no more."""
    await connection.execute(QUERIES["delete_segment"], account_id, segment_id)


def criteria_of(segments: Sequence[Segment]) -> Mapping[UUID, Criterion]:
    """Their criteria, by id."""
    return {segment.segment_id: segment.criterion for segment in segments}
