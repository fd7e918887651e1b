"""A page of entries and exits is read in index order, whatever their number and the planner's statistics."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from services.segmentation.store import membership_changes
from services.segmentation.store.membership_changes import ChangeFilter, read_changes
from shared.store.queries import queries_of

pytestmark = pytest.mark.asyncio

CHANGES = 50_000
SEGMENT = UUID(int=1)
OTHER = UUID(int=2)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
# One change in a thousand is an exit, and belongs to the other segment.
FILL = """
INSERT INTO events (partition, topic, type, event_id, account_id, contact_id, key, occurred_at, after, body)
SELECT
    n % 12, 'segmentation.memberships',
    CASE WHEN n % 1000 = 0 THEN 'penchant.SegmentLeft.v1' ELSE 'penchant.SegmentEntered.v1' END,
    gen_random_uuid(), 1, n, '1:' || n, $1::timestamptz - n * interval '1 second', '',
    convert_to(json_build_object(
        'segment_id', CASE WHEN n % 1000 = 0 THEN $3::uuid ELSE $2::uuid END, 'reason', 'event'
    )::text, 'UTF8')
FROM generate_series(1, $4::integer) AS n
"""


@pytest_asyncio.fixture
async def pool(migrated_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(migrated_dsn, min_size=1, max_size=1) as pool:
        await pool.execute(FILL, NOW, SEGMENT, OTHER, CHANGES)
        yield pool


@pytest.mark.parametrize("statement", ["SELECT 1", "ANALYZE events"])
@pytest.mark.parametrize("enters", ["NULL", "true"])
async def test_the_plan_of_a_page_has_no_sort_and_no_bitmap_scan(
    pool: asyncpg.Pool, statement: str, enters: str
) -> None:
    await pool.execute(statement)
    query = queries_of(membership_changes.__file__)["membership_changes"]
    values = {
        "account_id": "1", "since": f"'{NOW - timedelta(days=2)}'", "segment_id": "NULL", "enters": enters,
        "before": f"'{NOW}'", "before_id": f"'{SEGMENT}'", "limit": "250",
    }  # fmt: skip
    async with pool.acquire() as connection:
        await connection.execute("SET plan_cache_mode = force_custom_plan")
        await connection.execute(f"PREPARE statement AS {query.text}")
        given = ", ".join(values[name] for name in query.parameters)
        rows = await connection.fetch(f"EXPLAIN EXECUTE statement ({given})")
    plan = "\n".join(row[0] for row in rows)
    assert "Sort  (" not in plan, plan
    assert "Bitmap" not in plan, plan


async def test_changes_are_filtered_by_segment_direction_and_time(pool: asyncpg.Pool) -> None:
    since = NOW - timedelta(days=2)
    left = await read_changes(pool, 1, ChangeFilter(since, enters=False), None, CHANGES)
    assert [change.contact_id for change in left] == [*range(1000, CHANGES + 1, 1000)]
    assert {change.segment_id for change in left} == {OTHER}
    entered = await read_changes(pool, 1, ChangeFilter(since, segment_id=SEGMENT, enters=True), None, 3)
    assert [(change.contact_id, change.enters) for change in entered] == [(1, True), (2, True), (3, True)]
    assert await read_changes(pool, 1, ChangeFilter(since, segment_id=SEGMENT, enters=False), None, 3) == []
    between = await read_changes(
        pool, 1, ChangeFilter(NOW - timedelta(seconds=12), NOW - timedelta(seconds=9)), None, CHANGES
    )
    assert [change.contact_id for change in between] == [10, 11, 12]
