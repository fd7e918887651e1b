"""Reports of engagements are recorded once, held, or become dead letters."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
import pytest

from services.labeling.consumers.engagements import EngagementHandler
from services.labeling.use_cases.engagements import release_found
from services.labeling.use_cases.erasure import erase_contact
from shared.events.intake import EngagementReported
from tests.services.labeling.shop import NOON, Shop

pytestmark = pytest.mark.asyncio


def report(shop: Shop, **more: Any) -> EngagementReported:
    common: dict[str, Any] = {
        "account_id": shop.account_id,
        "kind": "form.submitted",
        "ref": "contest",
        "occurred_at": NOON,
    }
    return EngagementReported(**common, **more)


def handler(shop: Shop) -> EngagementHandler:
    return EngagementHandler(shop.database.partitions)


async def held_records(shop: Shop) -> list[tuple[str, str]]:
    rows = await shop.database.pool.fetch("SELECT state, reason FROM held ORDER BY id")
    return [(row["state"], row["reason"]) for row in rows]


async def test_a_contact_is_found_by_id_external_id_and_address(shop: Shop) -> None:
    ann = await shop.contact("Ann@Example.com", external_id="crm-1")
    await shop.report(
        handler(shop),
        ("1", report(shop, contact_id=ann)),
        ("2", report(shop, external_id="crm-1")),
        ("3", report(shop, email=" ann@EXAMPLE.com", attributes={"score": 7}, data={"essay": "I like dogs"})),
    )
    events = await shop.events("ContactEngaged")
    assert [event["contact_id"] for event in events] == [ann] * 3
    body = orjson.loads(events[2]["body"])
    assert (body["kind"], body["ref"], body["attributes"]) == ("form.submitted", "contest", {"score": 7})
    assert "essay" not in events[2]["body"].decode()
    stored = await shop.database.pool.fetchval("SELECT data FROM engagements WHERE event_id = $1", body["event_id"])
    assert orjson.loads(stored) == {"essay": "I like dogs"}


async def test_reports_with_the_same_source_and_id_are_deduplicated(shop: Shop) -> None:
    ann = await shop.contact()
    one = ("form-7", report(shop, contact_id=ann))
    await shop.report(handler(shop), one, one)
    await shop.report(handler(shop), one, ("form-8", report(shop, contact_id=ann)))
    assert len(await shop.events("ContactEngaged")) == 2


async def test_a_report_recorded_by_an_earlier_version_is_a_duplicate(shop: Shop) -> None:
    ann = await shop.contact()
    key = blake2b(b"form-7", digest_size=16).digest()  # the key of ids that are not UUIDs, in older versions
    await shop.report(handler(shop), ("form-8", report(shop, contact_id=ann)))
    await shop.database.pool.execute(
        "INSERT INTO engagement_seen SELECT account_id, source_no, $1 FROM engagement_seen", key
    )
    await shop.report(handler(shop), ("form-7", report(shop, contact_id=ann)), ("form-9", report(shop, contact_id=ann)))
    assert len(await shop.events("ContactEngaged")) == 2


async def test_a_report_about_an_unknown_contact_waits_until_it_is_created(shop: Shop) -> None:
    await shop.report(handler(shop), ("1", report(shop, email="ben@example.com")), ("2", report(shop, external_id="x")))
    assert await held_records(shop) == [("waiting", "the contact is not known")] * 2
    await shop.contact("Ben@example.com")
    assert [state for state, _ in await held_records(shop)] == ["ready", "waiting"]


async def test_a_report_held_while_its_contact_is_created_is_released(shop: Shop) -> None:
    await shop.report(handler(shop), ("1", report(shop, email="ben@example.com")))
    await shop.contact("ben@example.com")
    # As if the record had been held just after the contact was created.
    await shop.database.pool.execute("UPDATE held SET state = 'waiting'")
    async with shop.database.unit_of_work() as work:
        await release_found(work, "engagements")
    assert [state for state, _ in await held_records(shop)] == ["ready"]


async def test_an_invalid_report_becomes_a_dead_letter(shop: Shop) -> None:
    ann = await shop.contact()
    ahead = datetime.now(UTC) + timedelta(hours=1)
    await shop.report(
        handler(shop),
        ("2", EngagementReported(account_id=999_999, contact_id=ann, kind="page.visited", occurred_at=NOON)),
        ("3", EngagementReported(account_id=shop.account_id, contact_id=ann, kind="page.visited", occurred_at=ahead)),
        ("4", report(shop, email="not an address")),
        ("5", report(shop, contact_id=ann)),
    )
    assert [state for state, _ in await held_records(shop)] == ["dead"] * 3
    assert len(await shop.events("ContactEngaged")) == 1


async def test_a_report_about_an_erased_contact_is_dropped(shop: Shop) -> None:
    ann = await shop.contact()
    await erase_contact(shop.database, shop.account_id, ann)
    await shop.report(handler(shop), ("1", report(shop, contact_id=ann)))
    assert await held_records(shop) == []
    assert await shop.events("ContactEngaged") == []


async def test_an_unsubscribe_report_changes_the_subscription(shop: Shop) -> None:
    ann = await shop.contact()
    unsubscribed = EngagementReported(
        account_id=shop.account_id, contact_id=ann, kind="message.unsubscribed", occurred_at=NOON
    )
    await shop.report(handler(shop), ("1", unsubscribed))
    last = (await shop.events("ContactChanged"))[-1]
    assert orjson.loads(last["personal"])["subscription"] == "unsubscribed"
