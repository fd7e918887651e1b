"""Erasing a contact removes its data and publishes a tombstone."""

import orjson
import pytest

from services.labeling.consumers.engagements import EngagementHandler
from services.labeling.consumers.labels import LabelHandler
from services.labeling.use_cases.erasure import erase_contact
from shared.events.intake import EngagementReported
from tests.services.labeling.shop import NOON, Shop

pytestmark = pytest.mark.asyncio


async def test_no_table_contains_data_of_an_erased_contact(shop: Shop) -> None:
    ann = await shop.contact("findable@example.com", external_id="findable-crm", fields={"city": "findable-city"})
    await shop.contact("other@example.com")
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs"))
    engagement = EngagementReported(
        account_id=shop.account_id, contact_id=ann, kind="form", occurred_at=NOON, data={"essay": "findable-essay"}
    )
    await shop.report(EngagementHandler(shop.database.partitions), ("1", engagement))

    assert await erase_contact(shop.database, shop.account_id, ann)

    tables = await shop.database.pool.fetch(
        "SELECT format('%I', relname) AS name FROM pg_class "
        "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        name = table["name"]
        # Bodies of events are bytea: cast to text, they are hexadecimal.
        found = await shop.database.pool.fetchval(
            f"SELECT count(*) FROM {name} AS t WHERE t::text ~* $1 OR t::text ~* $2",
            "findable",
            b"findable".hex(),
        )
        assert found == 0, name
    assert await shop.database.pool.fetchval("SELECT count(*) FROM contacts") == 1


async def test_an_erasure_publishes_an_event_and_then_a_tombstone(shop: Shop) -> None:
    ann = await shop.contact()
    await erase_contact(shop.database, shop.account_id, ann)
    created, erased, tombstone = (event for event in await shop.events() if event["contact_id"] == ann)
    assert (created["body"], created["personal"]) == (None, None)
    body = orjson.loads(erased["body"])
    assert (body["state"], body["email"], body["external_id"], body["fields"]) == ("erased", None, None, {})
    assert (tombstone["body"], tombstone["personal"]) == (None, None)


async def test_the_id_of_an_erased_contact_is_not_reused(shop: Shop) -> None:
    ann = await shop.contact("ann@example.com")
    await erase_contact(shop.database, shop.account_id, ann)
    assert not await erase_contact(shop.database, shop.account_id, ann)
    assert await shop.contact("ann@example.com") != ann
