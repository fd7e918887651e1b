"""Merging labels loses nothing, and the target replaces the merged label immediately."""

import json
from datetime import timedelta

import pytest

from services.labeling.consumers.labels import LabelHandler
from services.labeling.domain.errors import StateError
from services.labeling.store.labels import labels_of_names
from services.labeling.use_cases import merging
from services.labeling.use_cases.assigning import AssignmentRequest, assign_labels
from services.labeling.use_cases.labels import delete_label
from services.labeling.use_cases.merging import merge_label
from shared.events.parts import Origin
from tests.services.labeling.shop import NOON, Shop

pytestmark = pytest.mark.asyncio


async def merge(shop: Shop, source: str = "Dogs", into: str = "Cats") -> None:
    await merge_label(shop.database, shop.account_id, shop.labels[source].id, shop.labels[into].id)


async def interest(shop: Shop, contact_id: int, name: str) -> tuple[object, ...]:
    row = await shop.database.pool.fetchrow(
        "SELECT held, clicks, click_supports, first_click, last_click FROM assignments "
        "WHERE contact_id = $1 AND label_no = $2",
        contact_id,
        shop.labels[name].no,
    )
    return () if row is None else tuple(row)


async def test_supports_and_clicks_add_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "PIECE", 2)
    both, dogs, cats = [await shop.contact(f"{name}@example.com") for name in ("both", "dogs", "cats")]
    later = NOON + timedelta(days=1)
    await shop.deliver(
        LabelHandler(),
        shop.clicked(both, "Dogs"),
        shop.clicked(both, "Cats", occurred_at=later),
        shop.clicked(dogs, "Dogs"),
        shop.clicked(cats, "Cats"),
    )
    await merge(shop)
    # Before the job runs, a click on the merged label counts for the target, and only once if the link has both.
    await shop.deliver(LabelHandler(), shop.clicked(dogs, "Dogs"), shop.clicked(both, "Dogs", "Cats"))
    await shop.run_jobs()

    assert await interest(shop, both, "Cats") == (True, 3, 3, NOON, later)
    assert await interest(shop, dogs, "Cats") == (True, 2, 2, NOON, NOON)
    assert await interest(shop, cats, "Cats") == (True, 1, 1, NOON, NOON)
    assert await interest(shop, both, "Dogs") == ()
    removed = [event["contact_id"] for event in await shop.events("LabelRemoved")]
    assert sorted(removed) == sorted([both, dogs])
    assert (await shop.history(both, "Cats"))[-1] == "confirmed"
    state = await shop.database.pool.fetchval("SELECT state FROM labels WHERE label_no = $1", shop.labels["Dogs"].no)
    assert state == "merged"
    async with shop.database.pool.acquire() as connection:
        found = await labels_of_names(connection, shop.account_id, ["dogs"])
    assert found["dogs"].id == shop.labels["Cats"].id


async def test_a_holder_of_only_the_merged_label_gets_the_target(shop: Shop) -> None:
    ann = await shop.contact(labels=["Dogs"])
    await merge(shop)
    await shop.run_jobs()
    assert await shop.holds(ann, "Cats")
    assigned = (await shop.events("LabelAssigned"))[-1]
    assert b'"kind":"label_merged"' in assigned["body"]


async def test_merging_extends_the_refusal_of_one_label_to_both(shop: Shop) -> None:
    ann = await shop.contact(labels=["Dogs", "Cats"])
    refused = AssignmentRequest(0, ann, shop.labels["Dogs"], held=False, origin=Origin(kind="self"))
    await assign_labels(shop.database, shop.account_id, [refused])
    await merge(shop)
    await shop.run_jobs()
    await shop.deliver(LabelHandler(), shop.clicked(ann, "Dogs"))
    assert not await shop.holds(ann, "Cats")
    assert (await shop.history(ann, "Cats"))[-2:] == ["removed", "refused"]


async def test_assigning_the_target_again_gives_back_the_merged_label(shop: Shop) -> None:
    ann, bob = await shop.contact(labels=["Dogs"]), await shop.contact("bob@example.com", labels=["Cats"])

    async def decide(contact_id: int, name: str, kind: str, *, held: bool) -> None:
        request = AssignmentRequest(0, contact_id, shop.labels[name], held=held, origin=Origin(kind=kind))
        await assign_labels(shop.database, shop.account_id, [request])

    await decide(ann, "Dogs", "self", held=False)
    await merge(shop)
    await shop.run_jobs()
    await decide(bob, "Cats", "self", held=False)
    for contact_id in (ann, bob):
        await decide(contact_id, "Cats", "manual", held=True)
    await decide(ann, "Cats", "manual", held=False)
    await decide(ann, "Cats", "manual", held=True)
    bodies = [json.loads(event["body"]) for event in (await shop.events("LabelAssigned"))[-3:]]
    dogs = str(shop.labels["Dogs"].id)
    assert [(body["contact_id"], body.get("given_back")) for body in bodies] == [
        (ann, [dogs]),
        (bob, [dogs]),
        (ann, None),
    ]


async def test_assigning_the_target_before_the_merge_job_gives_nothing_back(shop: Shop) -> None:
    ann = await shop.contact(labels=["Dogs", "Cats"])
    for name in ("Dogs", "Cats"):
        refused = AssignmentRequest(0, ann, shop.labels[name], held=False, origin=Origin(kind="self"))
        await assign_labels(shop.database, shop.account_id, [refused])
    await merge(shop)  # the job has not processed the contact yet, and will remove the label again
    assigned = AssignmentRequest(0, ann, shop.labels["Cats"], held=True, origin=Origin(kind="manual"))
    await assign_labels(shop.database, shop.account_id, [assigned])
    assert "given_back" not in json.loads((await shop.events("LabelAssigned"))[-1]["body"])
    await shop.run_jobs()
    assert not await shop.holds(ann, "Cats")


async def test_a_merged_label_means_its_target_and_cannot_be_merged_or_deleted(shop: Shop) -> None:
    await merge(shop)
    await shop.run_jobs()
    ann = await shop.contact(labels=["Dogs"])
    assert await shop.holds(ann, "Cats")
    with pytest.raises(StateError):
        await merge(shop)
    with pytest.raises(StateError):
        await merge(shop, "Cats", "Dogs")
    with pytest.raises(StateError):
        await delete_label(shop.database, shop.account_id, shop.labels["Dogs"].id)
