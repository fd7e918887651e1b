"""The API of segments and criteria."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.events.workflow import Uses, WorkflowChanged
from tests.services.segmentation.rig import ACCOUNT, DOGS, NOON, Rig, clicked, contact
from tests.stack.waiting import until

DOG_CLICKS: dict[str, Any] = {"clicks": {"label": str(DOGS)}}


@pytest.mark.asyncio
async def test_a_segment_is_created_read_updated_and_deleted(rig: Rig) -> None:
    async with rig.process() as process:
        client = process.client
        made = await client.post("/v1/segments", json={"name": " Dogs ", "criterion": {"label": str(DOGS)}})
        assert made.status_code == 201
        segment = made.json()
        assert (segment["name"], segment["criterion"], segment["count"]) == ("Dogs", {"label": {"id": str(DOGS)}}, 0)
        assert "broken" not in segment
        path = made.headers["location"]
        shown = await client.get(path)
        assert (shown.status_code, shown.headers["etag"]) == (200, '"1"')
        changed = {"name": "Dogs", "criterion": DOG_CLICKS}
        assert (await client.put(path, json=changed, headers={"If-Match": '"9"'})).status_code == 412
        assert (await client.put(path, json=changed, headers={"If-Match": '"1"'})).json()["version"] == 2
        as_read = (await client.get(path)).json() | {"name": "Dog lovers"}
        sent_back = await client.put(path, json=as_read)
        assert (sent_back.status_code, sent_back.json()["name"]) == (200, "Dog lovers")
        listed = (await client.get("/v1/segments")).json()
        assert (listed["total"], listed["next_cursor"]) == (1, None)
        assert [item["count"] for item in listed["items"]] == [0]
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
        assert (await client.delete(path)).status_code == 404
        unknown = {"name": "x", "criterion": {"label": str(UUID(int=99))}}
        assert (await client.put(path, json=unknown)).status_code == 404
        assert (await client.get(f"{path}/members")).status_code == 404
        assert (await client.get(f"{path}/stream")).status_code == 404


@pytest.mark.asyncio
async def test_errors_point_into_the_request_body(rig: Rig) -> None:
    async with rig.process() as process:
        for criterion, pointer in (
            ({"all": [{"nope": 1}]}, "/criterion/all/0/nope"),
            ({"all": [{"label": str(UUID(int=99))}]}, "/criterion/all/0/label/id"),
            ({"field": {"key": "city", "less_than": 3}}, "/criterion/field/less_than"),
            ({"segment": str(UUID(int=99))}, "/criterion/segment/id"),
            ({"clicks": {"send": "s", "url": "u"}}, "/criterion/clicks/url"),
        ):
            for path in ("/v1/segments", "/v1/criteria/count"):
                body = {"criterion": criterion} | ({"name": "x"} if path == "/v1/segments" else {})
                answer = await process.client.post(path, json=body)
                assert answer.status_code == 422, answer.text
                assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        answer = await process.client.post("/v1/segments", json={"name": "x", "criterion": {"all": []}, "colour": 1})
        assert answer.status_code == 422


@pytest.mark.asyncio
async def test_a_definition_too_large_for_an_event_is_rejected(rig: Rig) -> None:
    cities = [f"{number}{'x' * 8000}" for number in range(110)]
    too_large = {"name": "x", "criterion": {"field": {"key": "city", "in": cities}}}
    async with rig.process() as process:
        segment_id = await process.create("All", {"all": []})
        for answer in (
            await process.client.post("/v1/segments", json=too_large),
            await process.client.put(f"/v1/segments/{segment_id}", json=too_large),
        ):
            assert answer.status_code == 422, answer.text
            assert "too large" in answer.json()["detail"]
            assert [error["pointer"] for error in answer.json()["errors"]] == ["/criterion"]
        smaller = {"field": {"key": "city", "in": cities[:90]}}
        assert (
            await process.client.delete(f"/v1/segments/{await process.create('Large', smaller)}")
        ).status_code == 204


@pytest.mark.asyncio
async def test_segments_in_use_cannot_be_deleted_and_cycles_are_rejected(rig: Rig) -> None:
    async with rig.process() as process:
        client = process.client
        inner = await process.create("Inner", DOG_CLICKS)
        outer = await process.create("Outer", {"not": {"segment": inner}})
        workflow = WorkflowChanged(
            occurred_at=NOON,
            account_id=ACCOUNT,
            workflow_id=UUID(int=77),
            workflow_name="Guide",
            workflow_version=1,
            state="active",
            definition={},
            uses=Uses(segments=(UUID(inner),)),
        )
        await rig.publish([workflow])
        answer = await client.delete(f"/v1/segments/{inner}")
        assert answer.status_code == 409
        assert answer.json()["uses"] == [
            {"kind": "segment", "id": outer, "name": "Outer"},
            {"kind": "workflow", "id": str(workflow.workflow_id), "name": "Guide"},
        ]
        body = {"name": "Inner", "criterion": {"all": [DOG_CLICKS, {"segment": outer}]}}
        answer = await client.put(f"/v1/segments/{inner}", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/criterion/all/1"
        assert (await client.delete(f"/v1/segments/{outer}")).status_code == 204
        await rig.publish([replace(workflow, state="deleted")])
        assert (await client.delete(f"/v1/segments/{inner}")).status_code == 204


@pytest.mark.asyncio
async def test_counts_every_node_of_a_criterion_and_explains_one_contact(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON, city="Gent" if number < 4 else "Brugge") for number in range(1, 9)])
        await rig.publish([clicked(number, NOON) for number in range(2, 7) for _ in range(number % 3)])
        await until(lambda: process.knows(8))
        criterion = {
            "all": [
                {"clicks": {"label": str(DOGS), "at_least": 2, "within_days": 30}},
                {"not": {"field": {"key": "city", "is": "brugge"}}},
            ]
        }

        async def counted() -> dict[str, Any] | None:
            answer = await process.client.post("/v1/criteria/count", json={"criterion": criterion})
            assert answer.status_code == 200
            counted: dict[str, Any] = answer.json()
            return counted if counted["nodes"][1]["count"] == 2 else None

        counts = await until(counted)
        assert counts["count"] == 1
        assert counts["took_ms"] > 0
        assert counts["nodes"] == [
            {"pointer": "", "count": 1},
            {"pointer": "/all/0", "count": 2},
            {"pointer": "/all/1", "count": 3},
            {"pointer": "/all/1/not", "count": 5},
        ]
        answer = await process.client.post("/v1/criteria/explain", json={"criterion": criterion, "contact_id": 5})
        tree = answer.json()
        assert (tree["truth"], [part["truth"] for part in tree["parts"]]) == (False, [True, False])
        assert tree["parts"][0]["saw"]["count"] == 2
        assert tree["parts"][1]["parts"][0]["saw"] == {"value": "brugge"}
        missing = {"criterion": criterion, "contact_id": 4711}
        assert (await process.client.post("/v1/criteria/explain", json=missing)).status_code == 404


@pytest.mark.asyncio
async def test_the_stream_sends_the_count_when_it_changes(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in range(1, 9)])
        await until(lambda: process.knows(8))
        segment_id = await process.create("Dogs", DOG_CLICKS)
        seen: list[int] = []
        async with asyncio.timeout(20), process.client.stream("GET", f"/v1/segments/{segment_id}/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if line.startswith("data: {"):
                    seen.append(json.loads(line[6:])["count"])
                    if seen[-1] == 0:
                        await rig.publish([clicked(number, NOON) for number in range(1, 6)])
                    if seen[-1] == 5:
                        break
        assert seen[0] == 0


@pytest.mark.asyncio
async def test_membership_changes_are_filtered_and_listed_newest_first(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in range(1, 4)])
        await until(lambda: process.knows(3))
        dogs = await process.create("Dogs", DOG_CLICKS)
        few = await process.create("Few", {"clicks": {"label": str(DOGS), "exactly": 1}})
        await rig.publish([clicked(1, NOON), clicked(2, NOON), clicked(2, NOON)])

        since = {"since": (NOON - timedelta(hours=1)).isoformat()}

        async def changes(**parameters: str) -> list[tuple[str, int, str]]:
            answer = await process.client.get("/v1/membership-changes", params=since | parameters)
            assert answer.status_code == 200, answer.text
            return [(one["segment_id"], one["contact_id"], one["type"]) for one in answer.json()["items"]]

        async def changes_are_recorded() -> bool:
            return len(await changes(segment_id=dogs)) == 2 and await process.count(few) == 1

        await until(changes_are_recorded)
        assert sorted(await changes(segment_id=dogs)) == [(dogs, 1, "SegmentEntered"), (dogs, 2, "SegmentEntered")]
        assert {kind for _, _, kind in await changes(type="SegmentEntered")} == {"SegmentEntered"}
        of_few = await changes(segment_id=few)
        assert (few, 1, "SegmentEntered") in of_few
        # The second contact entered and left, unless both of its clicks were in one batch.
        moves = [kind for _, contact_id, kind in of_few if contact_id == 2]
        assert moves in ([], ["SegmentLeft", "SegmentEntered"])
        assert await changes(segment_id=few, type="SegmentLeft") == ([(few, 2, "SegmentLeft")] if moves else [])
        assert await changes(since=(NOON + timedelta(hours=1)).isoformat()) == []
        everything = await changes()
        read: list[int] = []
        cursor: str | None = None
        while True:
            page = since | {"limit": "1"} | ({} if cursor is None else {"cursor": cursor})
            answer = (await process.client.get("/v1/membership-changes", params=page)).json()
            read += [one["contact_id"] for one in answer["items"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert read == [contact_id for _, contact_id, _ in everything]
        unknown = await process.client.get(f"/v1/membership-changes?segment_id={UUID(int=99)}")
        assert unknown.status_code == 404


@pytest.mark.asyncio
async def test_a_segment_of_another_account_is_not_found(rig: Rig) -> None:
    async with rig.process() as process:
        segment_id = await process.create("Dogs", DOG_CLICKS)
        await rig.database.pool.execute("UPDATE segments SET account_id = 8")
        assert (await process.client.get(f"/v1/segments/{segment_id}")).status_code == 404


@pytest.mark.asyncio
async def test_slices_require_the_internal_secret(rig: Rig) -> None:
    async with rig.process() as process:
        body = {"account_id": ACCOUNT, "epochs": {"0": 1}, "question": {"kind": "announced"}}
        assert (await process.client.post("/internal/slices", json=body)).status_code == 404
        secret = await rig.database.pool.fetchval("SELECT secret FROM owner_secret")
        headers = {"x-penchant-owner-secret": secret}
        await until(lambda: process.knows(0))
        answer = await process.client.post("/internal/slices", json=body, headers=headers)
        assert answer.json() == {"answers": {"0": {}}}
        body["epochs"] = {"0": 2}
        assert (await process.client.post("/internal/slices", json=body, headers=headers)).json() == {"answers": {}}
