"""Batches of clicks with concurrent changes of contacts and messages, on a real PostgreSQL."""

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
from services.tracking.use_cases.messages import parse_html, register
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


class HandlerRig:
    """A database with a message and contacts 1 to 3 of account 1, and a handler that is called only by the test.

    `unread` are the records of labeling.contacts beyond the checkpoint.
    """

    def __init__(self, database: Database, message: StoredMessage) -> None:
        self.database = database
        self.catalog = Catalog(CommonSettings(), ["labeling.catalog"])
        self.unread = Read({}, [])
        self.message = message
        self.handler = self.new_handler()

    def new_handler(self) -> ClickHandler:
        """Return a handler with its own caches, as another process has."""
        return ClickHandler(self.catalog, PARTITIONS, UnappliedRefusals(self, self.catalog))

    async def read(self, connection: PoolConnectionProxy) -> Read:
        """Return the unread records, as `shared.bus.tail.Tail` does."""
        return self.unread

    def click(self, contact_id: int, event_id: str | None = None, message_id: UUID | None = None) -> Received:
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

    async def counts(self) -> tuple[int, int, int]:
        """Return the numbers of counted clicks, click rows and click events."""
        row = await self.database.pool.fetchrow(
            "SELECT (SELECT coalesce(sum(clicks), 0)::bigint FROM click_counts), (SELECT count(*) FROM clicks),"
            " (SELECT count(*) FROM events WHERE partition >= 0)"
        )
        assert row is not None
        return row[0], row[1], row[2]

    async def until_a_lock_is_awaited(self) -> None:
        async with asyncio.timeout(10):
            while not await self.database.pool.fetchval(WAITS_FOR_A_LOCK):  # noqa: ASYNC110 - PostgreSQL sends no notice
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def rig(migrated_dsn: str) -> AsyncIterator[HandlerRig]:
    database = await Database.open(migrated_dsn, PARTITIONS)
    async with database.pool.acquire() as connection:
        await write_contacts(connection, [contact_row(contact_id) for contact_id in (1, 2, 3)])
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        draft = Draft("Spring", HTML)
        message, _ = await register(work, 1, draft, parse_html(draft))
    yield HandlerRig(database, message)
    await database.close()


def contact_row(contact_id: int) -> ContactRow:
    return ContactRow(1, contact_id, "active", "unknown", None, None, None, 1)


def contact_changed(contact_id: int, state: str, consent: str) -> Received:
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
async def test_a_concurrent_erasure_or_refusal_of_consent_drops_the_click(
    rig: HandlerRig, state: str, consent: str
) -> None:
    async with rig.database.unit_of_work(partition_of(1, 1, PARTITIONS)) as work:
        clicking = asyncio.create_task(rig.handle(rig.click(1), rig.click(2)))
        await rig.until_a_lock_is_awaited()
        await ContactHandler().handle(work, [contact_changed(1, state, consent)])
    await clicking
    assert await rig.counts() == (1, 1, 1)
    assert await rig.database.pool.fetchval("SELECT contact_id FROM clicks") == 2


@pytest.mark.asyncio
async def test_an_unapplied_refusal_of_consent_already_drops_clicks(rig: HandlerRig) -> None:
    refusal = contact_changed(1, "active", "denied")
    rig.unread = Read({}, [TailRecord(refusal.partition, 5, refusal.event)])
    await rig.handle(rig.click(1), rig.click(2))
    assert await rig.counts() == (1, 1, 1)
    # The table is up to date now, and the contact has consented since.
    rig.unread = Read({refusal.partition: 5}, [])
    await rig.handle(rig.click(1))
    assert await rig.counts() == (2, 2, 2)


@pytest.mark.asyncio
async def test_concurrent_batches_with_the_same_clicks_count_each_click_once(rig: HandlerRig) -> None:
    clicks = [rig.click(1 + number % 3, f"click-{number}") for number in range(300)]
    await asyncio.gather(
        rig.handle(*clicks[:200]),
        rig.handle(*reversed(clicks[100:]), handler=rig.new_handler()),
        rig.handle(*clicks[50:250], handler=rig.new_handler()),
    )
    assert await rig.counts() == (300, 300, 300)


@pytest.mark.asyncio
async def test_a_rolled_back_batch_is_counted_when_it_is_handled_again(rig: HandlerRig) -> None:
    clicks = [rig.click(1), rig.click(2)]
    with pytest.raises(ZeroDivisionError):
        async with rig.database.unit_of_work() as work:
            await rig.handler.handle(work, clicks)
            raise ZeroDivisionError
    assert await rig.counts() == (0, 0, 0)
    await rig.handle(*clicks)
    assert await rig.counts() == (2, 2, 2)


@pytest.mark.asyncio
async def test_a_tick_releases_a_click_held_while_its_contact_was_stored(rig: HandlerRig) -> None:
    """The contact is stored after the click is checked and before it is held, so that only a tick can release it."""
    async with rig.database.unit_of_work() as work:
        await rig.handler.opened(work, 0)
        await rig.handler.tick(work, 0, work.now)
        await rig.handler.handle(work, [rig.click(9)])
        async with rig.database.transaction() as other:
            await write_contacts(other, [contact_row(9)])
    due = rig.handler.due(0)
    assert due is not None
    async with rig.database.unit_of_work() as work:
        await rig.handler.tick(work, 0, due)
    assert await rig.database.pool.fetchval("SELECT state FROM held") == "ready"
    # A few more ticks are due, and then none.
    while (due := rig.handler.due(0)) is not None:
        async with rig.database.unit_of_work() as work:
            await rig.handler.tick(work, 0, due)


@pytest.mark.asyncio
async def test_a_link_of_another_message_is_unknown_in_a_new_message(rig: HandlerRig) -> None:
    await rig.handle(rig.click(1))
    async with rig.database.unit_of_work(CATALOG_PARTITION) as work:
        draft = Draft("Summer", HTML)
        message, _ = await register(work, 1, draft, parse_html(draft))
    await rig.handle(rig.click(1, message_id=message.message_id))
    # The link belongs to the first message, not to the second.
    assert await rig.database.pool.fetchval("SELECT reason FROM held") == "the message has no such link"
