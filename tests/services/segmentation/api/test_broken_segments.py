"""A segment that uses a deleted object is broken, and announces no change until it is mended."""

from typing import Any
from uuid import UUID

import pytest

from services.segmentation.store.memberships import UnknownEventVersion, read_memberships
from shared.events.labeling import FieldChanged, LabelAssigned, LabelRemoved
from shared.events.parts import Origin
from tests.services.segmentation.rig import ACCOUNT, CATS, DOGS, NOON, PARTITIONS, Process, Rig, contact, label
from tests.stack.waiting import until, until_equal

NEWS_AND_NOT_BOUGHT: dict[str, Any] = {"all": [{"label": str(DOGS)}, {"not": {"label": str(CATS)}}]}


def label_event(
    model: type[LabelAssigned | LabelRemoved], contact_id: int, label_id: UUID
) -> LabelAssigned | LabelRemoved:
    return model(
        occurred_at=NOON,
        account_id=ACCOUNT,
        contact_id=contact_id,
        label_id=label_id,
        label_name="any",
        origin=Origin(kind="label_deleted" if model is LabelRemoved else "manual"),
    )


async def faults_of(process: Process, segment_id: str) -> list[dict[str, str]] | None:
    shown = (await process.client.get(f"/v1/segments/{segment_id}")).json()
    found: list[dict[str, str]] | None = shown.get("broken")
    return found


@pytest.mark.asyncio
async def test_deleting_a_negated_label_adds_no_members(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in range(1, 5)])
        await rig.publish([label_event(LabelAssigned, number, DOGS) for number in range(1, 5)])
        await rig.publish([label_event(LabelAssigned, number, CATS) for number in (3, 4)])
        await until(lambda: process.knows(4))
        segment_id = await process.create("News and not Bought", NEWS_AND_NOT_BOUGHT)
        outer = await process.create("Outer", {"not": {"segment": segment_id}})
        await until(lambda: members_are(rig, segment_id, {1, 2}))
        await until(lambda: members_are(rig, outer, {3, 4}))
        await rig.publish([label(CATS, "Cats", "deleted")])
        await rig.publish([label_event(LabelRemoved, number, CATS) for number in (3, 4)])
        await until(lambda: faults_of(process, segment_id))
        assert await faults_of(process, segment_id) == [
            {"pointer": "/criterion/all/1/not/label/id", "detail": f"label {CATS} was deleted"}
        ]
        [indirect] = await faults_of(process, outer) or []
        assert indirect["pointer"] == "/criterion/not/segment/id"
        await until_equal(lambda: rig.consumed("labeling.labels"), 8)
        await rig.publish([contact(5, NOON)])
        await until(lambda: process.knows(5))
        assert await rig.announced_members(segment_id) == {1, 2}
        assert await rig.announced_members(outer) == {3, 4}
        shown = (await process.client.get(f"/v1/segments/{segment_id}")).json()
        assert shown["count"] == 2
        listed = (await process.client.get(f"/v1/segments/{segment_id}/members")).json()
        assert [item["contact_id"] for item in listed["items"]] == [1, 2]
        mended = {"name": "News", "criterion": {"label": str(DOGS)}}
        assert (await process.client.put(f"/v1/segments/{segment_id}", json=mended)).status_code == 200
        await until(lambda: members_are(rig, segment_id, {1, 2, 3, 4}))
        await until(lambda: members_are(rig, outer, {5}))
        assert {reason for _, _, reason in await rig.moves(outer)} == {"definition"}


async def members_are(rig: Rig, segment_id: str, expected: set[int]) -> bool:
    return await rig.announced_members(segment_id) == expected


@pytest.mark.asyncio
async def test_a_segment_is_evaluated_again_when_its_field_is_restored(rig: Rig) -> None:
    def city(state: Any) -> FieldChanged:
        return FieldChanged(
            occurred_at=NOON,
            account_id=ACCOUNT,
            field_key="city",
            field_name="City",
            field_type="text",
            state=state,
        )

    async with rig.process() as process:
        await rig.publish([contact(number, NOON, city="Gent") for number in (1, 2)])
        segment_id = await process.create("Gent", {"field": {"key": "city", "is": "gent"}})
        await until(lambda: members_are(rig, segment_id, {1, 2}))
        await rig.publish([city("deleted")])
        await until(lambda: faults_of(process, segment_id))
        await rig.publish([contact(1, NOON), contact(3, NOON)])
        await until(lambda: process.knows(3))
        assert await rig.announced_members(segment_id) == {1, 2}
    async with rig.process() as process:
        await until(lambda: process.knows(3))
        assert await rig.announced_members(segment_id) == {1, 2}
        await rig.publish([city("active")])
        await until(lambda: members_are(rig, segment_id, {2}))
        assert (1, False, "definition") in await rig.moves(segment_id)


@pytest.mark.asyncio
async def test_a_segment_in_use_is_deleted_only_with_force(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in (1, 2)])
        inner = await process.create("Inner", {"all": []})
        outer = await process.create("Outer", {"segment": inner})
        await until(lambda: members_are(rig, outer, {1, 2}))
        refused = await process.client.delete(f"/v1/segments/{inner}")
        assert refused.status_code == 409
        assert refused.json()["uses"] == [{"kind": "segment", "id": outer, "name": "Outer"}]
        assert (await process.client.delete(f"/v1/segments/{inner}", params={"force": True})).status_code == 204
        await until(lambda: members_are(rig, inner, set()))
        [fault] = await until(lambda: faults_of(process, outer)) or []
        assert fault["detail"] == f"there is no segment {inner}"
        assert await rig.announced_members(outer) == {1, 2}
        answer = await process.client.post("/v1/criteria/count", json={"criterion": {"segment": outer}})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/criterion"


@pytest.mark.asyncio
async def test_reading_memberships_ignores_other_types_and_rejects_unknown_versions(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(1, NOON)])
        segment_id = await process.create("All", {"all": []})
        await until(lambda: members_are(rig, segment_id, {1}))
    await rig.database.pool.execute(
        "INSERT INTO events SELECT (json_populate_record(events, json_build_object('position', position + 1000,"
        " 'event_id', gen_random_uuid(), 'type', 'penchant.SegmentRemarked.v1'))).* FROM events"
        " WHERE type = 'penchant.SegmentEntered.v1'"
    )
    async with rig.database.pool.acquire() as connection:
        found = [await read_memberships(connection, number, PARTITIONS) for number in range(PARTITIONS)]
    announced = [one[ACCOUNT][UUID(segment_id)].announced for one in found if ACCOUNT in one]
    assert sum(map(len, announced)) == 1
    await rig.database.pool.execute(
        "UPDATE events SET type = 'penchant.SegmentEntered.v2' WHERE type = 'penchant.SegmentEntered.v1'"
    )
    async with rig.database.pool.acquire() as connection:
        with pytest.raises(UnknownEventVersion, match="SegmentEntered"):
            for number in range(PARTITIONS):
                await read_memberships(connection, number, PARTITIONS)
