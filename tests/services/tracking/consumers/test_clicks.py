"""Batches of clicks with concurrent changes, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord
from asyncpg.pool import PoolConnectionProxy

from services.tracking.consumers.clicks import ClickHandler
from services.tracking.consumers.consent import UnappliedRefusals
from services.tracking.consumers.contacts import ContactHandler
from services.tracking.domain.mail import Draft
from services.tracking.store.contacts import ContactRow, write_contacts
from services.tracking.store.messages import StoredMessage
from services.tracking.use_cases.messages import read_html, register
from shared.bus.catalog import Catalog
from shared.bus.received import Received
from shared.bus.tail import Read, TailRecord
from shared.events.codec import body_of, decode, headers_of
from shared.events.labeling import ContactChanged
from shared.events.topics import CATALOG_PARTITION, partition_of
from shared.settings import CommonSettings
from shared.store.database import Database

PARTITIONS = 4
HTML = '<a href="https://shop.example/dogs">Dogs</a>'
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WAITS_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Desk:
    """A database with a message and contacts 1 to 3 of account 1, and a handler that only the test calls.

    `unread` are the records of labeling.contacts beyond the checkpoint.
    """

    def __init__(self, database: Database, message: StoredMessage) -> None:
        self.database = database
        self.catalog = Catalog(CommonSettings(), ["labeling.catalog"])
        self.unread = Read({}, [])
        self.message = message
        self.handler = self.another_handler()

    def another_handler(self) -> ClickHandler:
        """Return a handler as in another process."""
        return ClickHandler(self.catalog, PARTITIONS, UnappliedRefusals(self, self.catalog))

    async def read(self, connection: PoolConnectionProxy) -> Read:
        """Return the unread records, as `shared.bus.tail.Tail` does."""
        return self.unread

    def reported(self, contact_id: int, event_id: str | None = None, message_id: UUID | None = None) -> Received:
        report = {
            "account_id": 1,
            "contact_id": contact_id,
            "message_id": message_id or self.message.message_id,
            "link_id": self.message.links[0].id,
            "occurred_at": NOW,
        }
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", (event_id or str(uuid4())).encode()),
            ("ce_source", b"/pipeline"),
            ("ce_type", b"penchant.ClickReported.v1"),
        ]
        record = ConsumerRecord("intake.clicks", 0, 0, 0, 0, None, orjson.dumps(report), None, 0, 0, headers)
        return Received("clicks", "intake.clicks", record, decode("intake.clicks", None, record.value, dict(headers)))

    async def handle(self, *batch: Received, handler: ClickHandler | None = None) -> None:
        async with self.database.unit_of_work() as work:
            await (handler or self.handler).handle(work, batch)

    async def counted(self) -> tuple[int, int, int]:
        """Return the numbers of counted clicks, click rows and click events."""
        row = await self.database.pool.fetchrow(
            "SELECT (SELECT coalesce(sum(clicks), 0)::bigint FROM click_counts), (SELECT count(*) FROM clicks),"
            " (SELECT count(*) FROM events WHERE partition >= 0)"
        )
        assert row is not None
        return row[0], row[1], row[2]

    async def until_somebody_waits(self) -> None:
        async with asyncio.timeout(10):
            while not await self.database.pool.fetchval(WAITS_FOR_A_LOCK):  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def desk(migrated_dsn: str) -> AsyncIterator[Desk]:
    database = await Database.open(migrated_dsn, PARTITIONS)
    async with database.pool.acquire() as connection:
        await write_contacts(connection, [contact_row(contact_id) for contact_id in (1, 2, 3)])
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        draft = Draft("Spring", HTML)
        message, _ = await register(work, 1, draft, read_html(draft))
    yield Desk(database, message)
    await database.close()


def contact_row(contact_id: int) -> ContactRow:
    return ContactRow(1, contact_id, "active", "unknown", None, None, None, 1)


def changed(contact_id: int, state: str, consent: str) -> Received:
    values: dict[str, Any] = {"subscription": "subscribed", "state": state, "tracking_consent": consent}
    event = ContactChanged(
        occurred_at=NOW, account_id=1, contact_id=contact_id, external_id=None, email=None, fields={}, **values
    )
    headers = headers_of(event.type(), event.event_id, "/labeling", NOW, 5, {}, None, None, None)
    topic, partition = "labeling.contacts", partition_of(1, contact_id, PARTITIONS)
    record = ConsumerRecord(topic, partition, 0, 0, 0, event.key.encode(), body_of(event), None, 0, 0, headers)
    return Received("contacts", topic, record, decode(topic, record.key, record.value, dict(headers)))


@pytest.mark.parametrize(("state", "consent"), [("erased", "unknown"), ("active", "denied")])
@pytest.mark.asyncio
async def test_a_contact_erased_while_its_click_is_being_written_keeps_nothing(
    desk: Desk, state: str, consent: str
) -> None:
    async with desk.database.unit_of_work(partition_of(1, 1, PARTITIONS)) as work:
        clicking = asyncio.create_task(desk.handle(desk.reported(1), desk.reported(2)))
        await desk.until_somebody_waits()
        await ContactHandler().handle(work, [changed(1, state, consent)])
    await clicking
    assert await desk.counted() == (1, 1, 1)
    assert await desk.database.pool.fetchval("SELECT contact_id FROM clicks") == 2


@pytest.mark.asyncio
async def test_a_refusal_counts_before_the_table_of_contacts_says_it(desk: Desk) -> None:
    refusal = changed(1, "active", "denied")
    desk.unread = Read({}, [TailRecord(refusal.partition, 5, refusal.event)])
    await desk.handle(desk.reported(1), desk.reported(2))
    assert await desk.counted() == (1, 1, 1)
    # The table has caught up by now, and says that the contact has consented since.
    desk.unread = Read({refusal.partition: 5}, [])
    await desk.handle(desk.reported(1))
    assert await desk.counted() == (2, 2, 2)


@pytest.mark.asyncio
async def test_two_batches_with_the_same_clicks_at_once_count_them_once(desk: Desk) -> None:
    clicks = [desk.reported(1 + number % 3, f"click-{number}") for number in range(300)]
    await asyncio.gather(
        desk.handle(*clicks[:200]),
        desk.handle(*reversed(clicks[100:]), handler=desk.another_handler()),
        desk.handle(*clicks[50:250], handler=desk.another_handler()),
    )
    assert await desk.counted() == (300, 300, 300)


@pytest.mark.asyncio
async def test_a_batch_that_is_rolled_back_leaves_nothing_behind_not_even_in_memory(desk: Desk) -> None:
    clicks = [desk.reported(1), desk.reported(2)]
    with pytest.raises(ZeroDivisionError):
        async with desk.database.unit_of_work() as work:
            await desk.handler.handle(work, clicks)
            raise ZeroDivisionError
    assert await desk.counted() == (0, 0, 0)
    await desk.handle(*clicks)
    assert await desk.counted() == (2, 2, 2)


@pytest.mark.asyncio
async def test_a_click_held_while_its_contact_became_known_is_found_by_the_clock(desk: Desk) -> None:
    """The contact became known after the click was checked and before it was held: only the clock releases it."""
    async with desk.database.unit_of_work() as work:
        await desk.handler.opened(work, 0)
        await desk.handler.tick(work, 0, work.now)
        await desk.handler.handle(work, [desk.reported(9)])
        async with desk.database.transaction() as other:
            await write_contacts(other, [contact_row(9)])
    due = desk.handler.due(0)
    assert due is not None
    async with desk.database.unit_of_work() as work:
        await desk.handler.tick(work, 0, due)
    assert await desk.database.pool.fetchval("SELECT state FROM held") == "ready"
    # The clock looks a few more times, and then stops.
    while (due := desk.handler.due(0)) is not None:
        async with desk.database.unit_of_work() as work:
            await desk.handler.tick(work, 0, due)


@pytest.mark.asyncio
async def test_a_message_that_changed_since_it_was_read_is_read_again(desk: Desk) -> None:
    await desk.handle(desk.reported(1))
    async with desk.database.unit_of_work(CATALOG_PARTITION) as work:
        draft = Draft("Summer", HTML)
        message, _ = await register(work, 1, draft, read_html(draft))
    await desk.handle(desk.reported(1, message_id=message.message_id))
    # The link belongs to the first message, not to the second.
    assert await desk.database.pool.fetchval("SELECT reason FROM held") == "the message has no such link"
