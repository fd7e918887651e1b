"""Unsaved criteria are listed, described and sampled; the interest in a label is counted."""

from typing import Any
from uuid import UUID

import pytest

from tests.services.segmentation.rig import CATS, DOGS, NOON, Process, Rig, clicked, contact, day
from tests.stack.waiting import until


async def has_counted_clicks(process: Process, number: int) -> bool:
    answer = await process.client.post("/v1/criteria/count", json={"criterion": {"clicks": {}}})
    return answer.status_code == 200 and answer.json()["count"] == number


@pytest.mark.asyncio
async def test_lists_describes_and_samples_a_criterion_and_counts_interest(rig: Rig) -> None:
    async with rig.process() as process:
        client = process.client
        await rig.publish([contact(number, NOON, city="Gent") for number in range(1, 10)])
        await rig.publish(
            [clicked(number, NOON - day(number % 2)) for number in range(1, 6) for _ in range(number % 3)]
        )
        await rig.publish([clicked(9, NOON, CATS)])
        await until(lambda: process.knows(9))
        await until(lambda: has_counted_clicks(process, 5))
        criterion: dict[str, Any] = {"clicks": {"label": str(DOGS)}}
        listed = (await client.post("/v1/criteria/contacts", json={"criterion": criterion, "limit": 3})).json()
        assert ([item["contact_id"] for item in listed["items"]], listed["total"]) == ([1, 2, 4], 4)
        body = {"criterion": criterion, "limit": 3, "cursor": listed["next_cursor"]}
        rest = (await client.post("/v1/criteria/contacts", json=body)).json()
        assert ([item["contact_id"] for item in rest["items"]], rest["next_cursor"]) == ([5], None)
        sentence = await client.post("/v1/criteria/describe", json={"criterion": criterion, "language": "nl"})
        assert sentence.json() == {"sentence": "Contacten die op links met het label “Dogs” hebben geklikt."}
        interest = (await client.get(f"/v1/interest/{DOGS}")).json()
        assert interest == {
            "days": [
                {"day": "2026-03-19", "clicks": 3, "contacts": 2},
                {"day": "2026-03-20", "clicks": 3, "contacts": 2},
            ],
            "strengths": [{"clicks": 1, "contacts": 2}, {"clicks": 2, "contacts": 2}],
        }
        assert (await client.get(f"/v1/interest/{UUID(int=404)}")).status_code == 404
        segment_id = await process.create("Dogs", criterion)
        sampled = (await client.get(f"/v1/segments/{segment_id}/sample", params={"limit": 2})).json()
        assert {item["contact_id"] for item in sampled["items"]} < {1, 2, 4, 5}
        reversed_ends = {"field": {"key": "city", "between": [10, 9]}}
        refused = await client.post("/v1/criteria/count", json={"criterion": reversed_ends})
        assert refused.status_code == 422
