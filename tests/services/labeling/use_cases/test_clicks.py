"""Clicks and commands are applied to the stored state."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from msgspec import json
from uuid_utils.compat import uuid7

from services.labeling.consumers.labels import LabelHandler
from services.labeling.use_cases.assigning import AssignmentRequest, assign_labels
from services.labeling.use_cases.erasure import erase_contact
from services.labeling.use_cases.labels import delete_label
from shared.events.codec import body_of
from shared.events.labeling import LabelAssigned
from shared.events.parts import LabelReference, Origin
from shared.events.workflow import AssignLabel, RemoveLabel, SetField
from tests.services.labeling.shop import NOON, Shop, a_send

pytestmark = pytest.mark.asyncio
BY_WORKFLOW = Origin(kind="workflow", workflow_id=UUID(int=1), run_id=UUID(int=2), step_id="label")


def by_workflow(shop: Shop, contact_id: int) -> dict[str, Any]:
    """Return the fields that all commands have in common."""
    return {"account_id": shop.account_id, "contact_id": contact_id, "occurred_at": NOON, "origin": BY_WORKFLOW}


async def interest(shop: Shop, contact_id: int, name: str) -> tuple[object, ...]:
    row = await shop.database.pool.fetchrow(
        "SELECT clicks, first_click, last_click FROM assignments WHERE contact_id = $1 AND label_no = $2",
        contact_id,
        shop.labels[name].no,
    )
    return tuple(row) if row else ()


async def test_a_human_click_assigns_the_labels_of_its_link_and_is_counted(shop: Shop) -> None:
    ann = await shop.contact()
    click = shop.clicked(ann, "Dogs", "Cats")
    await shop.deliver(LabelHandler(), click)

    assert await shop.holds(ann, "Dogs")
    assert await interest(shop, ann, "Cats") == (1, NOON, NOON)
    dogs, cats = await shop.events("LabelAssigned")
    body = orjson.loads(dogs["body"])
    assert body["label_name"] == "Dogs"
    assert body["origin"] == {
        "kind": "click",
        "click_id": str(click.click_id),
        "message_id": str(click.message_id),
        "link_id": str(click.link_id),
    }
    # The event is encoded without its model: the bytes must equal those that the model produces.
    assert body_of(json.decode(dogs["body"], type=LabelAssigned)) == dogs["body"]
    assert dogs["causation_id"] == cats["causation_id"] == str(click.event_id)


async def test_later_clicks_confirm_the_label_and_are_counted_in_any_batch(shop: Shop) -> None:
    ann = await shop.contact()
    later = NOON + timedelta(days=1)
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs"), shop.clicked(ann, "Dogs", occurred_at=later))
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs", occurred_at=NOON - timedelta(days=1)))

    assert await interest(shop, ann, "Dogs") == (3, NOON - timedelta(days=1), later)
    assert await shop.history(ann, "Dogs") == ["assigned", "confirmed", "confirmed"]
    assert len(await shop.events("LabelAssigned")) == 1


@pytest.mark.parametrize("more", [{"verdict": "machine"}, {"verdict": "unsure"}, {"send": a_send("test")}])
async def test_machine_unsure_and_test_clicks_are_not_counted_and_assign_nothing(
    shop: Shop, more: dict[str, object]
) -> None:
    ann = await shop.contact()
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs", **more))
    assert await interest(shop, ann, "Dogs") == ()
    assert await shop.history(ann, "Dogs") == []


async def test_a_click_of_an_erased_contact_creates_no_assignment(shop: Shop) -> None:
    ann = await shop.contact()
    await erase_contact(shop.database, shop.account_id, ann)
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs"))
    assert await shop.database.pool.fetchval("SELECT count(*) FROM assignments") == 0


async def test_a_click_on_a_deleted_label_assigns_nothing(shop: Shop) -> None:
    ann = await shop.contact()
    await delete_label(shop.database, shop.account_id, shop.labels["Dogs"].id)
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs", "Cats"))
    assert not await shop.holds(ann, "Dogs")
    assert await shop.holds(ann, "Cats")


async def test_a_click_does_not_assign_a_label_of_another_account(shop: Shop) -> None:
    ann, other = await shop.contact(), await Shop.open(shop.database, "Snakes")
    foreign = LabelReference(id=other.labels["Snakes"].id, name="Snakes")
    await shop.deliver(LabelHandler(), shop.clicked(ann, labels=(foreign,)))
    assert await shop.events("LabelAssigned") == []


async def test_a_click_that_happened_before_a_removal_does_not_undo_it(shop: Shop) -> None:
    ann = await shop.contact(labels=["Dogs"])
    removal = AssignmentRequest(0, ann, shop.labels["Dogs"], held=False, origin=Origin(kind="manual"))
    await assign_labels(shop.database, shop.account_id, [removal])
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs", occurred_at=datetime.now(UTC) - timedelta(days=8)))

    assert not await shop.holds(ann, "Dogs")
    assert (await interest(shop, ann, "Dogs"))[0] == 1
    rows = await shop.database.pool.fetch("SELECT outcome, reason FROM assignment_history ORDER BY entry")
    assert [tuple(row) for row in rows][-1] == ("refused", "removed_since")

    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs", occurred_at=datetime.now(UTC) + timedelta(seconds=1)))
    assert await shop.holds(ann, "Dogs")


async def test_a_click_does_not_restore_a_label_that_the_contact_removed(shop: Shop) -> None:
    ann = await shop.contact()
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs"))
    await assign_labels(
        shop.database,
        shop.account_id,
        [AssignmentRequest(0, ann, shop.labels["Dogs"], held=False, origin=Origin(kind="self"))],
    )
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs"))
    assert not await shop.holds(ann, "Dogs")
    assert await shop.history(ann, "Dogs") == ["assigned", "removed", "refused"]
    assert (await interest(shop, ann, "Dogs"))[0] == 2


async def test_commands_and_clicks_are_applied_in_order_of_arrival(shop: Shop) -> None:
    ann = await shop.contact()
    common = by_workflow(shop, ann)
    dogs = shop.labels["Dogs"].id
    await shop.deliver(
        LabelHandler(),
        AssignLabel(**common, label_id=dogs),
        AssignLabel(**common, label_id=dogs),
        RemoveLabel(**common, label_id=dogs),
        shop.clicked(ann, "Dogs"),
    )
    assert await shop.history(ann, "Dogs") == ["assigned", "confirmed", "removed", "assigned"]
    kinds = [event["type"] for event in await shop.events() if ".Label" in event["type"] and event["contact_id"]]
    assert kinds == ["penchant.LabelAssigned.v1", "penchant.LabelRemoved.v1", "penchant.LabelAssigned.v1"]


async def test_invalid_commands_assign_no_label_and_publish_no_change(shop: Shop) -> None:
    ann = await shop.contact()
    await delete_label(shop.database, shop.account_id, shop.labels["Cats"].id)
    common = by_workflow(shop, ann)
    await shop.deliver(
        LabelHandler(),
        AssignLabel(**common, label_id=uuid7()),
        AssignLabel(**common, label_id=shop.labels["Cats"].id),
        SetField(**common, field_key="shoe", value=1),
        SetField(**common, field_key="age", value="old"),
        AssignLabel(**common | {"contact_id": 999}, label_id=shop.labels["Dogs"].id),
    )
    assert not await shop.holds(999, "Dogs")
    assert await shop.history(ann, "Cats") == ["refused"]
    assert await shop.events("LabelAssigned") == []
    assert len(await shop.events("ContactChanged")) == 1


async def test_each_change_of_a_field_publishes_one_event(shop: Shop) -> None:
    ann = await shop.contact()
    common = by_workflow(shop, ann)
    await shop.deliver(
        LabelHandler(),
        SetField(**common, field_key="city", value="Gent"),
        SetField(**common, field_key="city", value="Gent"),
        SetField(**common, field_key="age", value=3),
        SetField(**common, field_key="city", value=None),
    )
    published = [orjson.loads(event["personal"])["fields"] for event in await shop.events("ContactChanged")]
    assert published == [{}, {"city": "Gent"}, {"city": "Gent", "age": 3}, {"age": 3}]
    assert await shop.database.pool.fetchval("SELECT fields FROM contacts WHERE contact_id = $1", ann) == '{"age": 3}'


async def test_a_failed_batch_is_rolled_back(shop: Shop) -> None:
    ann = await shop.contact()
    before = len(await shop.events())

    class Failing(LabelHandler):
        async def handle(self, work, batch):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            await super().handle(work, batch)
            await asyncio.sleep(0)
            raise RuntimeError("after the effect")

    with pytest.raises(RuntimeError):
        await shop.deliver(Failing(), shop.clicked(ann, "Dogs"))
    assert len(await shop.events()) == before
    assert await shop.history(ann, "Dogs") == []
