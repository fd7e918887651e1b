"""A decision of the contact itself takes precedence over a synchronisation."""

from typing import Any
from uuid import UUID

import pytest

from services.labeling.consumers.engagements import EngagementHandler
from services.labeling.store.decisions import decisions_of_contact
from services.labeling.use_cases.upserts import UpsertRow, upsert_contacts
from shared.events.intake import EngagementReported
from shared.events.parts import Origin
from tests.services.labeling.shop import NOON, Shop

pytestmark = pytest.mark.asyncio
BY_CONTACT = Origin(kind="self", key_id=UUID(int=1))


async def state(shop: Shop, contact_id: int) -> tuple[str, str]:
    row = await shop.database.pool.fetchrow(
        "SELECT subscription, tracking_consent FROM contacts WHERE contact_id = $1", contact_id
    )
    assert row is not None
    return row["subscription"], row["tracking_consent"]


async def by_contact(shop: Shop, contact_id: int, patch: dict[str, Any]) -> None:
    row = UpsertRow("update", patch, contact_id=contact_id)
    assert not (await upsert_contacts(shop.database, shop.account_id, [row], BY_CONTACT)).problems


async def reported(shop: Shop, contact_id: int, kind: str) -> None:
    report = EngagementReported(account_id=shop.account_id, contact_id=contact_id, kind=kind, occurred_at=NOON)
    await shop.report(EngagementHandler(shop.database.partitions), (kind, report))


@pytest.mark.parametrize(
    ("kind", "subscription"),
    [("message.unsubscribed", "unsubscribed"), ("message.bounced", "bounced"), ("message.complained", "blocked")],
)
async def test_a_synchronisation_does_not_undo_a_reported_subscription(
    shop: Shop, kind: str, subscription: str
) -> None:
    ann = await shop.contact()
    await reported(shop, ann, kind)
    result = await shop.write({"email": "ann@example.com", "subscription": "subscribed", "fields": {"city": "Gent"}})
    assert (result.updated, result.problems) == (1, [])
    assert (await state(shop, ann))[0] == subscription
    await by_contact(shop, ann, {"subscription": "subscribed"})
    assert (await state(shop, ann))[0] == "subscribed"


async def test_a_synchronisation_may_replace_the_value_of_an_earlier_one(shop: Shop) -> None:
    ann = await shop.contact(subscription="unsubscribed")
    await shop.write({"email": "ann@example.com", "subscription": "subscribed"})
    assert (await state(shop, ann))[0] == "subscribed"


async def test_a_synchronisation_does_not_change_the_contacts_own_consent(shop: Shop) -> None:
    ann = await shop.contact()
    await by_contact(shop, ann, {"tracking_consent": "denied"})
    await shop.write({"email": "ann@example.com", "tracking_consent": "granted"})
    assert (await state(shop, ann))[1] == "denied"
    await by_contact(shop, ann, {"tracking_consent": "granted"})
    await shop.write({"email": "ann@example.com", "tracking_consent": "denied"})
    assert (await state(shop, ann))[1] == "denied"


async def test_every_decision_is_stored_with_its_origin(shop: Shop) -> None:
    ann = await shop.contact()
    await by_contact(shop, ann, {"subscription": "unsubscribed", "tracking_consent": "denied"})
    async with shop.database.pool.acquire() as connection:
        found = await decisions_of_contact(connection, shop.account_id, ann, None, 10)
    assert [(one.subject, one.before, one.after, one.origin["kind"]) for one in found] == [
        ("tracking_consent", "unknown", "denied", "self"),
        ("subscription", "subscribed", "unsubscribed", "self"),
        ("subscription", None, "subscribed", "api"),
    ]
