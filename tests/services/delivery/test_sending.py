"""Mails are sent once, with the data that is current when they are sent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.delivery.clients.tracking import TrackingClient
from services.delivery.domain.composing import Sender
from services.delivery.settings import MailServer
from services.delivery.store import MIGRATIONS
from services.delivery.use_cases import forgetting
from services.delivery.use_cases.preparing import Preparing
from services.delivery.use_cases.reporting import report_of
from services.delivery.use_cases.requests import take
from services.delivery.use_cases.sending import Sending
from services.delivery.use_cases.testing import request_test_mails
from shared.bus.catalog import Catalog
from shared.events.codec import Tombstone
from shared.events.labeling import ContactChanged
from shared.events.messages import Cause, MessageRequested, SystemMessage
from shared.events.parts import Send
from shared.settings import CommonSettings
from shared.store.database import Database
from tests.services.delivery.mailbox import Mailbox
from tests.services.delivery.renderer import UNKNOWN_MESSAGE, renderer
from tests.shared.http.serving import serving
from tests.stack.waiting import until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MESSAGE, CAMPAIGN = UUID(int=1), UUID(int=2)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    controller = mailbox.controller()
    controller.start()
    yield mailbox, controller.port
    controller.stop()


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (MIGRATIONS,)


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()


@dataclass
class DeliveryRig:
    """A delivery service without Kafka: tests pass events to `receive`."""

    database: Database
    mailbox: Mailbox
    sending: Sending
    campaigns: dict[UUID, str]

    async def receive(self, *events: object) -> None:
        async with self.database.transaction() as connection:
            await take(connection, events, datetime.now(UTC))
        self.sending.wake()

    async def states(self) -> dict[str, tuple[str, str | None]]:
        rows = await self.database.pool.fetch("SELECT idempotency_key, state, reason FROM mails")
        return {row["idempotency_key"]: (row["state"], row["reason"]) for row in rows}

    async def until_ended(self, count: int) -> dict[str, tuple[str, str | None]]:
        async def all_ended() -> bool:
            query = "SELECT count(*) FROM mails WHERE ended_at IS NOT NULL"
            return bool(await self.database.pool.fetchval(query) == count)

        await until(all_ended)
        return await self.states()


@pytest_asyncio.fixture
async def rig(database: Database, mailbox: tuple[Mailbox, int]) -> AsyncIterator[DeliveryRig]:
    async with open_rig(database, mailbox) as rig:
        yield rig


@asynccontextmanager
async def open_rig(database: Database, mailbox: tuple[Mailbox, int]) -> AsyncIterator[DeliveryRig]:
    campaigns: dict[UUID, str] = {}
    async with serving(renderer()) as client:
        tracking = TrackingClient(str(client.base_url), SecretStr("pk_x"))
        preparing = Preparing(
            database, Catalog(CommonSettings(), []), tracking, Sender("", "noreply@localhost"), "https://click.example"
        )
        sending = Sending(
            database,
            preparing,
            MailServer("127.0.0.1", mailbox[1], False, None, None),
            lambda campaign_id: campaigns.get(campaign_id) if campaign_id else None,
            per_second=1000,
            connections=4,
            repeats_uncertain=False,
            lease=timedelta(minutes=3),
        )
        running = asyncio.create_task(sending.run())
        yield DeliveryRig(database, mailbox[0], sending, campaigns)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await tracking.close()


def contact(contact_id: int, subscription: str = "subscribed", email: str | None = None, **more: Any) -> ContactChanged:
    return ContactChanged(
        occurred_at=NOON,
        account_id=1,
        contact_id=contact_id,
        external_id=None,
        email=email or f"c{contact_id}@example.com",
        fields=more,
        state="active",
        subscription=subscription,  # type: ignore[arg-type] # the tests pass valid values only
        tracking_consent="granted",
    )


def request(key: str, contact_id: int, **more: Any) -> MessageRequested:
    return MessageRequested(
        occurred_at=NOON,
        account_id=1,
        contact_id=contact_id,
        send=Send(kind="campaign", id=str(CAMPAIGN), sent_at=NOON),
        cause=Cause(kind="campaign", campaign_id=CAMPAIGN),
        idempotency_key=key,
        **{"message_id": MESSAGE, **more},
    )


@pytest.mark.asyncio
async def test_a_repeated_request_sends_one_mail(rig: DeliveryRig) -> None:
    await rig.receive(contact(1), request("a", 1))
    await rig.receive(request("a", 1))
    assert (await rig.until_ended(1))["a"] == ("sent", None)
    assert rig.mailbox.recipients == ["c1@example.com"]


@pytest.mark.asyncio
async def test_contacts_that_are_not_subscribed_are_skipped_with_a_reason(rig: DeliveryRig) -> None:
    await rig.receive(
        contact(1), contact(2, "unsubscribed"), contact(3, "blocked"),
        *(request(f"k{number}", number) for number in range(1, 5)),
    )  # fmt: skip
    assert await rig.until_ended(4) == {
        "k1": ("sent", None),
        "k2": ("skipped", "unsubscribed"),
        "k3": ("skipped", "blocked"),
        "k4": ("skipped", "erased"),
    }


@pytest.mark.asyncio
async def test_an_erased_contact_gets_no_mail_and_its_data_is_deleted(rig: DeliveryRig) -> None:
    rig.campaigns[CAMPAIGN] = "paused"
    await rig.receive(contact(1, first_name="An"), request("a", 1, content={"hero": "dogs"}))
    await rig.receive(Tombstone("1:1"))
    rig.campaigns.clear()
    assert (await rig.until_ended(1))["a"] == ("skipped", "erased")
    assert rig.mailbox.recipients == []
    row = await rig.database.pool.fetchrow("SELECT content, (SELECT count(*) FROM contacts) AS contacts FROM mails")
    assert row is not None
    assert (row["content"], row["contacts"]) == ("{}", 0)


@pytest.mark.asyncio
async def test_temporary_refusals_are_retried_and_permanent_ones_are_not(rig: DeliveryRig) -> None:
    rig.mailbox.answers = {
        "c1@example.com": ["550 5.1.1 no such user"],
        "c2@example.com": ["554 5.7.1 looks like spam"],
        "c3@example.com": ["451 4.7.1 later"],
    }
    await rig.receive(
        *(contact(number) for number in (1, 2, 3)), *(request(f"k{number}", number) for number in (1, 2, 3))
    )

    async def is_waiting() -> bool:
        row = await rig.database.pool.fetchrow("SELECT state, attempts FROM mails WHERE idempotency_key = 'k3'")
        return row is not None and row["state"] == "queued" and row["attempts"] == 1

    await until(is_waiting)
    await rig.database.pool.execute("UPDATE mails SET next_attempt_at = now()")
    rig.sending.wake()
    assert await rig.until_ended(3) == {
        "k1": ("bounced", "550 5.1.1 no such user"),
        "k2": ("refused", "554 5.7.1 looks like spam"),
        "k3": ("sent", None),
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", ["hang up", "hang up before"])
async def test_a_mail_is_uncertain_if_the_connection_breaks_during_the_handover(rig: DeliveryRig, answer: str) -> None:
    rig.mailbox.answers = {"c1@example.com": [answer]}
    await rig.receive(contact(1), request("a", 1))
    state, reason = (await rig.until_ended(1))["a"]
    assert state == "uncertain"
    assert reason is not None
    assert reason.startswith("mail server: ")


@pytest.mark.asyncio
async def test_a_mail_that_an_ended_process_had_begun_is_not_sent_again(rig: DeliveryRig) -> None:
    await rig.database.pool.execute(
        "INSERT INTO mails (account_id, idempotency_key, contact_id, message_id, send, content, requested_at, state, "
        "claim, claimed_until, next_attempt_at, test_address) "
        "VALUES (1, 'a', 1, $1, $2, '{}', now(), 'begun', $3, now(), now(), 'me@shop.example')",
        MESSAGE, '{"kind": "campaign", "id": "x", "sent_at": "2026-03-01T12:00:00Z"}', uuid4(),
    )  # fmt: skip
    assert (await rig.until_ended(1))["a"] == ("uncertain", "interrupted")
    assert not rig.mailbox.recipients
    assert await rig.database.pool.fetchval("SELECT count(*) FROM mails WHERE test_address IS NOT NULL") == 0


@pytest.mark.asyncio
async def test_mails_wait_while_a_campaign_is_paused_and_are_skipped_if_cancelled(rig: DeliveryRig) -> None:
    rig.campaigns[CAMPAIGN] = "paused"
    await rig.receive(contact(1), request("a", 1))

    async def is_waiting() -> bool:
        return (await rig.states())["a"] == ("queued", "campaign_paused")

    await until(is_waiting)
    rig.campaigns[CAMPAIGN] = "cancelled"
    await rig.database.pool.execute("UPDATE mails SET next_attempt_at = now()")
    rig.sending.wake()
    assert (await rig.until_ended(1))["a"] == ("skipped", "campaign_cancelled")


@pytest.mark.asyncio
async def test_mails_with_an_unknown_message_or_block_are_skipped(rig: DeliveryRig) -> None:
    await rig.receive(
        contact(1),
        request("gone", 1, message_id=UNKNOWN_MESSAGE),
        request("block", 1, content={"no_such_block": "x"}, revision=2),
    )
    states = await rig.until_ended(2)
    assert states["gone"] == ("skipped", "not rendered: There is no such message.")
    assert states["block"][0] == "skipped"


@pytest.mark.asyncio
async def test_a_confirmation_is_sent_to_an_unconfirmed_contact(rig: DeliveryRig) -> None:
    system = SystemMessage(kind="confirm_subscription", url="https://shop.example/f/confirm/x")
    await rig.receive(contact(1, "unconfirmed"), request("a", 1, message_id=None, system=system))
    assert (await rig.until_ended(1))["a"] == ("sent", None)


@pytest.mark.asyncio
async def test_test_mails_go_to_any_address_which_is_deleted_afterwards(rig: DeliveryRig) -> None:
    await rig.receive(contact(1, "unsubscribed"))
    await request_test_mails(rig.database, 1, MESSAGE, ["me@shop.example", "me@shop.example"], 1, {})
    await request_test_mails(rig.database, 1, MESSAGE, ["you@shop.example"], None, {})
    rig.sending.wake()
    await rig.until_ended(2)
    assert sorted(rig.mailbox.recipients) == ["me@shop.example", "you@shop.example"]
    assert await rig.database.pool.fetchval("SELECT count(*) FROM mails WHERE test_address IS NOT NULL") == 0
    rows = await rig.database.pool.fetch("SELECT * FROM mails")
    assert [report_of(row) for row in rows] == [None, None]


@pytest.mark.asyncio
async def test_two_senders_share_the_queue_and_send_each_mail_once(
    database: Database, mailbox: tuple[Mailbox, int]
) -> None:
    count = 300
    async with open_rig(database, mailbox) as one, open_rig(database, mailbox):
        await one.receive(*(contact(number) for number in range(1, count + 1)))
        await one.receive(*(request(f"k{number}", number) for number in range(1, count + 1)))
        states = await one.until_ended(count)
    assert set(states.values()) == {("sent", None)}
    assert set(mailbox[0].accepted.values()) == {1}
    assert len(mailbox[0].accepted) == count


@pytest.mark.asyncio
async def test_reported_mails_that_ended_long_ago_are_deleted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    ages = {"old": 91, "older": 400, "oldest": 500, "recent": 89}
    insert = """
        INSERT INTO mails (
            account_id, idempotency_key, contact_id, send, content, requested_at, state, next_attempt_at, ended_at,
            reported
        )
        VALUES (1, $1, 1, '{}', '{}', now(), $2, now(), now() - make_interval(days => $3), $4)
    """
    for key, days in ages.items():
        await database.pool.execute(insert, key, "sent", days, True)
    await database.pool.execute(insert, "not reported", "sent", 100, False)
    await database.pool.execute(insert, "not ended", "queued", None, False)
    await forgetting.Forgetting(database).forget()
    remaining = await database.pool.fetch("SELECT idempotency_key FROM mails")
    assert {row["idempotency_key"] for row in remaining} == {"recent", "not reported", "not ended"}
