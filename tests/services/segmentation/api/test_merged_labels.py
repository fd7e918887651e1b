"""A segment that names a merged label means the label that it was merged into, and does not become broken."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.events.labeling import LabelAssigned, LabelChanged, LabelRemoved
from shared.events.parts import Origin
from tests.services.segmentation.rig import ACCOUNT, CATS, DOGS, NOON, Rig, clicked, contact, label
from tests.stack.waiting import until, until_equal

KITTENS = UUID(int=3)


def label_event(
    model: type[LabelAssigned | LabelRemoved], contact_id: int, label_id: UUID, other: UUID | None = None
) -> Any:
    return model(
        occurred_at=NOON,
        account_id=ACCOUNT,
        contact_id=contact_id,
        label_id=label_id,
        label_name="any",
        origin=Origin(kind="manual") if other is None else Origin(kind="label_merged", label_id=other),
    )


def kittens(merged_into: UUID | None) -> LabelChanged:
    return LabelChanged(
        occurred_at=NOON,
        account_id=ACCOUNT,
        label_id=KITTENS,
        label_name="Kittens",
        description="",
        visibility="private",
        state="active" if merged_into is None else "merged",
        merged_into=merged_into,
    )


@pytest.mark.asyncio
async def test_segments_on_a_merged_label_include_both_labels_also_after_a_restart(rig: Rig) -> None:
    criteria: dict[str, dict[str, Any]] = {
        "holds kittens": {"label": str(KITTENS)},
        "holds cats": {"label": str(CATS)},
        "two clicks": {"clicks": {"label": str(KITTENS), "at_least": 2}},
        "rather cats": {"more_clicks": {"label": str(CATS), "than": str(DOGS)}},
        "top": {"top_label": {"id": str(KITTENS)}},
    }
    async with rig.process() as process:
        await rig.publish([kittens(None), *(contact(number, NOON) for number in range(1, 6))])
        await rig.publish(
            [
                label_event(LabelAssigned, 1, KITTENS),
                label_event(LabelAssigned, 2, CATS),
                label_event(LabelAssigned, 3, DOGS),
            ]
        )
        # Contact 4 clicked once on each of the merged labels; contact 5 clicked more on both together than on dogs.
        clicks = [(4, KITTENS), (4, CATS), (5, DOGS), (5, DOGS), (5, KITTENS), (5, CATS), (5, CATS)]
        await rig.publish([clicked(contact_id, NOON, label_id) for contact_id, label_id in clicks])
        await until(lambda: process.knows(5))
        ids = {name: await process.create(name, criterion) for name, criterion in criteria.items()}

        async def members() -> dict[str, set[int]]:
            announced = await rig.all_announced_members()
            return {name: announced.get(segment_id, set()) for name, segment_id in ids.items()}

        before = {"holds kittens": {1}, "holds cats": {2}, "two clicks": set(), "rather cats": {4}, "top": set()}
        await until_equal(members, before)
        await rig.publish([kittens(CATS)])
        merged = {name: {4, 5} for name in criteria} | {"holds kittens": {1, 2}, "holds cats": {1, 2}}
        await until_equal(members, merged)
        for segment_id in ids.values():
            assert "broken" not in (await process.client.get(f"/v1/segments/{segment_id}")).json()
        # The merge job moves the assignments: no contact leaves and enters again.
        announced = await rig.read()
        await rig.publish([label_event(LabelAssigned, 1, CATS, KITTENS), label_event(LabelRemoved, 1, KITTENS, CATS)])
        await rig.publish([contact(6, NOON), label_event(LabelAssigned, 6, CATS)])
        await until_equal(members, merged | {"holds kittens": {1, 2, 6}, "holds cats": {1, 2, 6}})
        assert {event.contact_id for event in (await rig.read())} - {6} == {event.contact_id for event in announced}
        assert len(await rig.read()) == len(announced) + 2
        body = {"criterion": criteria["holds kittens"], "contact_id": 1}
        explained = (await process.client.post("/v1/criteria/explain", json=body)).json()
        assert explained["asked"] == {"id": str(KITTENS)}, "the criterion is shown as it was written"
        assert explained["saw"]["held"][0]["label_id"] == str(CATS)
    async with rig.process() as process:
        await until(lambda: process.knows(6))
        await rig.publish([label_event(LabelAssigned, 3, CATS), clicked(2, NOON + timedelta(minutes=1), KITTENS)])
        final = {"holds kittens": {1, 2, 3, 6}, "holds cats": {1, 2, 3, 6}, "rather cats": {2, 4, 5}, "top": {2, 4, 5}}
        await until_equal(members, merged | final)
        count = (await process.client.post("/v1/criteria/count", json={"criterion": criteria["holds kittens"]})).json()
        assert count["count"] == 4
        await rig.publish([label(DOGS, "Dogs", "deleted")])
        await until(lambda: is_broken(process.client, ids["rather cats"]))


async def is_broken(client: Any, segment_id: str) -> bool:
    return "broken" in (await client.get(f"/v1/segments/{segment_id}")).json()
