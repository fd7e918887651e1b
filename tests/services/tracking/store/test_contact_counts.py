"""Contacts of a message are counted when somebody asks, and seldom for a message with many clicks."""

import asyncio

import pytest

from services.tracking.use_cases.statistics import SECONDS_PER_CLICK, ContactCounts
from shared.store.database import Database

pytestmark = pytest.mark.asyncio

ADD = """
INSERT INTO clicks (
    click_id, account_id, contact_id, message_no, link_number, send_no, occurred_at, verdict, reasons
)
SELECT gen_random_uuid(), 1, $1, 1, 1, 0, now(), 'human', '{}'
"""
CLICKS = 1_000_000


async def test_numbers_of_a_large_message_are_used_again_for_a_while(database: Database) -> None:
    now = 0.0
    counts = ContactCounts(lambda: now)

    async def contacts(message_no: int = 1, clicks: int = CLICKS) -> int:
        async with database.pool.acquire() as connection:
            found = await counts.of_message(connection, message_no, clicks)
        return next(one.number for one in found if not one.of_link and not one.of_send)

    await database.pool.execute(ADD, 1)
    assert [*await asyncio.gather(contacts(), contacts())] == [1, 1]
    await database.pool.execute(ADD, 2)
    assert await contacts() == 1
    assert await contacts(message_no=2) == 0
    now += CLICKS * SECONDS_PER_CLICK
    assert await contacts() == 2
    await database.pool.execute(ADD, 3)
    assert await contacts(clicks=0) == 3, "a small message is always counted anew"
