"""Statistics that read all clicks of a message run one at a time per account, and are cached for large messages."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.tracking.store.statistics import Period, StatisticsRow, contact_counts, periods_of_message
from services.tracking.use_cases import statistics
from services.tracking.use_cases.statistics import SECONDS_PER_CLICK, ClickReads, Series, TooManyPeriods
from shared.store.database import Database

pytestmark = pytest.mark.asyncio

ADD = """
INSERT INTO clicks (
    click_id, account_id, contact_id, message_no, link_number, send_no, occurred_at, verdict, reasons
)
SELECT gen_random_uuid(), 1, $1, 1, 1, 0, now(), 'human', '{}'
"""
MESSAGE = """
INSERT INTO messages (message_id, account_id, name, revision, version, created_at, changed_at)
VALUES (gen_random_uuid(), 1, 'Spring', 1, 1, now(), now())
RETURNING message_id, message_no
"""
REVISION = "INSERT INTO revisions (message_id, revision, html, link_ids, created_at) VALUES ($1, 1, '', '{}', now())"
DAYS = """
INSERT INTO clicks (
    click_id, account_id, contact_id, message_no, link_number, send_no, occurred_at, verdict, reasons
)
SELECT gen_random_uuid(), 1, day, $1, 1, 0, $2::timestamptz + day * interval '1 day', 'human', '{}'
FROM generate_series(0, 4) AS day
"""
SEND = """
INSERT INTO sends (account_id, message_no, kind, id, sent_at) VALUES (1, $1, 'campaign', 'spring', now())
RETURNING send_no
"""
CLICKS = 1_000_000


async def test_statistics_of_a_large_message_are_cached_for_a_limited_time(database: Database) -> None:
    now = 0.0
    reads = ClickReads(lambda: now)

    async def contacts(message_no: int = 1, clicks: int = CLICKS) -> int:
        async def read() -> Sequence[StatisticsRow]:
            async with database.pool.acquire() as connection:
                return await contact_counts(connection, message_no)

        found = await reads.rows(1, message_no, clicks, read)
        return next(one.number for one in found if not one.of_link and not one.of_send)

    await database.pool.execute(ADD, 1)
    assert [*await asyncio.gather(contacts(), contacts())] == [1, 1]
    await database.pool.execute(ADD, 2)
    assert await contacts() == 1
    assert await contacts(message_no=2) == 0
    now += CLICKS * SECONDS_PER_CLICK
    assert await contacts() == 2
    await database.pool.execute(ADD, 3)
    assert await contacts(clicks=0) == 3, "statistics of a small message must not be cached"


async def test_reads_of_one_account_run_one_at_a_time() -> None:
    reads = ClickReads()
    reading: list[int] = []
    most: dict[int, int] = {1: 0, 2: 0}
    both = asyncio.Barrier(2)

    async def ask(account_id: int, question: int) -> None:
        async def read() -> list[int]:
            reading.append(account_id)
            most[account_id] = max(most[account_id], reading.count(account_id))
            if question == 0:
                await both.wait()  # the first reads of both accounts run concurrently
            reading.remove(account_id)
            return []

        await reads.rows(account_id, (account_id, question), 0, read)

    async with asyncio.timeout(30):
        await asyncio.gather(*(ask(account_id, question) for question in range(10) for account_id in (1, 2)))
    assert most == {1: 1, 2: 1}


async def test_the_number_of_cached_rows_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_KEPT", 100)
    reads = ClickReads(lambda: 0.0)
    asked: list[int] = []

    async def ask(question: int) -> None:
        async def read() -> list[int]:
            asked.append(question)
            return [0] * 30

        await reads.rows(1, question, CLICKS, read)

    for question in (1, 2, 3, 3, 4, 3, 1):
        await ask(question)
    assert asked == [1, 2, 3, 4, 1], "only the oldest result must be evicted and read again"


async def message_with_clicks_on_five_days(database: Database) -> tuple[UUID, int, datetime]:
    """Write a message with a click on each of five days; return its ids and the start of the first day."""
    row = await database.pool.fetchrow(MESSAGE)
    assert row is not None
    message_id, message_no = row
    await database.pool.execute(REVISION, message_id)
    since = datetime(2026, 3, 1, tzinfo=UTC)
    await database.pool.execute(DAYS, message_no, since)
    return message_id, message_no, since


async def test_a_series_with_too_many_numbers_is_rejected(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    message_id, message_no, since = await message_with_clicks_on_five_days(database)

    async def series(days: int) -> Sequence[Period]:
        asked = Series("day", "UTC", since, since + timedelta(days=days))
        found = await statistics.series_of_message(database, ClickReads(), 1, message_id, asked, days)
        assert found is not None
        return found[1]

    assert len(await series(5)) == 10, "five days for the message, and five for its link"
    monkeypatch.setattr(statistics, "MOST_PERIODS", 8)
    assert len(await series(4)) == 8
    with pytest.raises(TooManyPeriods):
        await series(5)
    async with database.pool.acquire() as connection:
        read = await periods_of_message(connection, message_no, "day", "UTC", since, since + timedelta(days=5), None, 9)
    assert len(read) == 9, "no rows must be read beyond the first one over the limit"


async def test_a_series_of_a_send_counts_only_its_clicks(database: Database) -> None:
    message_id, message_no, since = await message_with_clicks_on_five_days(database)
    send_no = await database.pool.fetchval(SEND, message_no)
    await database.pool.execute("UPDATE clicks SET send_no = $1 WHERE contact_id IN (1, 2)", send_no)

    async def days(send_id: str | None) -> list[datetime]:
        asked = Series("day", "UTC", since, since + timedelta(days=5), send_id)
        found = await statistics.series_of_message(database, ClickReads(), 1, message_id, asked, send_id)
        assert found is not None
        return [period.since for period in found[1] if period.link_number is None]

    everything = [since + timedelta(days=number) for number in range(5)]
    assert await days(None) == everything
    assert await days("spring") == everything[1:3]
    assert await days("another") == []
