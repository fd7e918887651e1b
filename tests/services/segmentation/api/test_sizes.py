"""A campaign or an audience that is too large is rejected when it is written; a stored one can be deleted."""

from typing import Any
from uuid import UUID

import pytest

from shared.http.bodies import MAX_BODY_BYTES
from shared.store.unit_of_work import MAX_BODY_BYTES as MOST_EVENT_BYTES
from tests.services.segmentation.campaigns import FIELD, message
from tests.services.segmentation.rig import MESSAGE, Process, Rig
from tests.stack.waiting import until

SOME: dict[str, Any] = {"field": {"key": "city", "is": "Gent"}}


def cities(kilobytes: int) -> dict[str, Any]:
    """Return a criterion of about `kilobytes` kB that is cheap to count."""
    return {"field": {"key": "city", "in": [f"{number}{'x' * 7990}" for number in range(kilobytes // 8)]}}


def campaign(**changes: Any) -> dict[str, Any]:
    return {"name": "Spring", "message_id": str(MESSAGE), "audience": {"include": [SOME]}} | changes


# The request body, and the pointer of the error. An event has less than 900 kB, whichever part of it is large.
CAMPAIGNS: dict[str, tuple[dict[str, Any], str]] = {
    "one criterion": (campaign(audience={"include": [cities(900)]}), "/audience"),
    "all criteria together": (
        campaign(audience={"include": [cities(300)] * 2, "exclude": [cities(300)]}),
        "/audience",
    ),
    "too many criteria": (campaign(audience={"include": [SOME] * 21}), "/audience/include"),
    "too many exclusions": (campaign(audience={"include": [SOME], "exclude": [SOME] * 21}), "/audience/exclude"),
    "no criterion": (campaign(audience={"include": []}), "/audience/include"),
    "too many nodes": (campaign(audience={"include": [{"all": [SOME] * 100}]}), "/audience/include/0/all/99"),
    "too many values": (
        campaign(audience={"include": [{"field": {"key": "city", "in": ["x"] * 1001}}]}),
        "/audience/include/0/field/in",
    ),
    "a long name": (campaign(name="x" * 101), "/name"),
}


async def publish_message(rig: Rig, process: Process) -> None:
    await rig.publish([message(), FIELD])

    async def knows_message() -> bool:
        answer = await process.client.post("/v1/audiences/count", json={"include": [SOME], "message_id": str(MESSAGE)})
        return answer.status_code == 200

    await until(knows_message)


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.asyncio
async def test_oversized_campaigns_are_rejected_with_a_pointer_and_not_stored(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_message(rig, process)
        created = (await process.client.post("/v1/campaigns", json=campaign())).json()
        for name, (body, pointer) in CAMPAIGNS.items():
            assert pointers(await process.client.post("/v1/campaigns", json=body)) == [pointer], name
            path = f"/v1/campaigns/{created['id']}"
            assert pointers(await process.client.put(path, json=body)) == [pointer], name
            if pointer.startswith("/audience"):
                counted = await process.client.post("/v1/audiences/count", json=body["audience"])
                assert pointers(counted) == [pointer.removeprefix("/audience")], name
        for path in ("/v1/campaigns", "/v1/audiences/count"):
            answer = await process.client.post(
                path, content=b" " * (MAX_BODY_BYTES + 1), headers={"content-type": "application/json"}
            )
            assert answer.status_code == 413, answer.text
        listed = (await process.client.get("/v1/campaigns")).json()
        assert [item["version"] for item in listed["items"]] == [1]


@pytest.mark.asyncio
async def test_the_size_of_an_audience_includes_its_segments(rig: Rig) -> None:
    """Each segment is small enough, but a campaign stores all of them, and sends all of them to every slice."""
    async with rig.process() as process:
        await publish_message(rig, process)
        segments = [{"segment": await process.create(f"Large {number}", cities(160))} for number in range(6)]
        body = campaign(audience={"include": segments})
        assert pointers(await process.client.post("/v1/campaigns", json=body)) == ["/audience"]
        fewer = campaign(audience={"include": segments[:4]})
        created = await process.client.post("/v1/campaigns", json=fewer)
        assert created.status_code == 201, created.text
        # A segment that grows afterwards makes the launch fail with an explanation.
        grown = {"name": "Large 0", "criterion": cities(600)}
        answer = await process.client.put(f"/v1/segments/{segments[0]['segment']}", json=grown)
        assert answer.status_code == 200, answer.text
        answer = await process.client.post(f"/v1/campaigns/{created.json()['id']}/launch")
        assert pointers(answer) == ["/audience"]


@pytest.mark.asyncio
async def test_a_campaign_near_the_limit_can_be_launched_cancelled_and_deleted(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_message(rig, process)
        answer = await process.client.post("/v1/campaigns", json=campaign(audience={"include": [cities(780)]}))
        assert answer.status_code == 201, answer.text
        path = f"/v1/campaigns/{answer.json()['id']}"
        assert (await process.client.post(f"{path}/launch")).status_code == 200
        answer = await process.client.post(f"{path}/cancel")
        assert answer.status_code in (200, 409), answer.text  # the freeze may be complete already
        assert (await process.client.delete(path)).status_code == 204
        largest = await rig.database.pool.fetchval("SELECT max(octet_length(body)) FROM events")
        assert 700_000 < largest < MOST_EVENT_BYTES
        assert UUID(path.rpartition("/")[2])
