"""The audience of a campaign is frozen once, each message is requested once, and a pause or a cancellation stops it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from shared.events.parts import Send
from shared.events.tracking import ContactClicked
from tests.services.segmentation.campaigns import (
    FIELD,
    GENT,
    contact_with_subscription,
    draft,
    is_in,
    message,
    state_of,
)
from tests.services.segmentation.rig import DOGS, MESSAGE, NOON, Process, Rig, clicked, contact
from tests.stack.waiting import until


async def publish_contacts(rig: Rig, process: Process, number: int = 8) -> None:
    await rig.publish([message(), *(contact(one, NOON, city="Gent") for one in range(1, number + 1))])
    await rig.publish(
        [
            contact_with_subscription(number + 1, "unsubscribed"),
            contact_with_subscription(number + 2, "blocked"),
            clicked(2, NOON),
        ]
    )
    await rig.publish([contact(number + 3, NOON, city="Brugge")])
    await until(lambda: process.knows(number + 3))
    await until(lambda: has_counted_the_click(process))


async def has_counted_the_click(process: Process) -> bool:
    answer = await process.client.post("/v1/criteria/count", json={"criterion": {"clicks": {"label": str(DOGS)}}})
    return answer.status_code == 200 and answer.json()["count"] == 1


async def requests(rig: Rig) -> list[dict[str, Any]]:
    rows = await rig.database.pool.fetch("SELECT body FROM events WHERE topic = 'segmentation.messages'")
    return [json.loads(row["body"]) for row in rows]


@pytest.mark.asyncio
async def test_an_audience_is_counted_with_its_parts_and_variants(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        body = {
            "include": [GENT, {"clicks": {"label": str(DOGS)}}],
            "exclude": [{"clicks": {"label": str(DOGS), "at_least": 5}}],
            "message_id": str(MESSAGE),
        }
        answer = await process.client.post("/v1/audiences/count", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "count": 8,
            "held_out": 0,
            "suppressed": {"unsubscribed": 1, "blocked": 1},
            "parts": [
                {"pointer": "/include/0", "count": 10, "only_here": 9},
                {"pointer": "/include/1", "count": 1, "only_here": 0},
                {"pointer": "/exclude/0", "count": 0, "only_here": 0},
            ],
            "content": {"hero": {"dogs": 1, "": 7}},
        }
        decided = await process.client.post(
            "/v1/content/decide?explain=true", json={"message_id": str(MESSAGE), "contact_ids": [2, 3]}
        )
        assert [item["content"] for item in decided.json()["items"]] == [{"hero": "dogs"}, {"hero": ""}]
        assert decided.json()["items"][1]["why"]["hero"][0]["tree"]["truth"] is False
        wrong = await process.client.post("/v1/audiences/count", json={"include": [GENT, {"nope": 1}]})
        assert [error["pointer"] for error in wrong.json()["errors"]] == ["/include/1/nope"]


@pytest.mark.asyncio
async def test_every_count_of_an_audience_matches_its_list_of_contacts(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process, 40)
        campaign_id = await draft(process, hold_out_percent=50)
        body = {"include": [GENT], "hold_out_percent": 50, "message_id": str(MESSAGE), "campaign_id": campaign_id}
        counted = (await process.client.post("/v1/audiences/count", json=body)).json()
        assert counted["count"] > 0
        assert counted["held_out"] == 40 - counted["count"] > 0  # zero of 40 has a probability of 10 ** -12
        assert await listed(process, body) == (audience := await listed(process, body | {"status": "audience"}))
        held_out = await listed(process, body | {"status": "held_out"})
        assert (len(audience), len(held_out)) == (counted["count"], counted["held_out"])
        assert sorted(audience + held_out) == [*range(1, 41)]
        for reason, number in counted["suppressed"].items():
            assert len(await listed(process, body | {"status": "suppressed", "reason": reason})) == number == 1
        assert await listed(process, body | {"status": "suppressed"}) == [41, 42]
        for variant, number in counted["content"]["hero"].items():
            assert len(await listed(process, body | {"block": "hero", "variant": variant})) == number
        await process.client.post(f"/v1/campaigns/{campaign_id}/launch")
        await until(lambda: is_in(process, campaign_id, "done"))
        answer = await process.client.get(f"/v1/campaigns/{campaign_id}/recipients?status=held_out")
        assert [one["contact_id"] for one in answer.json()["items"]] == held_out


async def listed(process: Process, body: dict[str, Any]) -> list[int]:
    """Return all contacts of a subset of an audience, read page by page."""
    found: list[int] = []
    cursor = None
    while True:
        answer = await process.client.post("/v1/audiences/contacts", json=body | {"limit": 7, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        found += [one["contact_id"] for one in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            assert answer.json()["total"] == len(found)
            return found


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("members", "status", "detail"),
    [
        ({"reason": "bounced"}, 422, "requires the status `suppressed`"),
        ({"block": "hero"}, 422, "must be used together"),
        ({"block": "hero", "variant": "dogs", "status": "held_out"}, 422, "requires `message_id`"),
        ({"block": "hero", "variant": "birds"}, 404, "no such variant"),
        ({"block": "nowhere", "variant": ""}, 404, "no such block"),
    ],
)
async def test_an_invalid_subset_of_an_audience_is_rejected(
    rig: Rig, members: dict[str, str], status: int, detail: str
) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        body = {"include": [GENT], "message_id": str(MESSAGE), **members}
        answer = await process.client.post("/v1/audiences/contacts", json=body)
        assert answer.status_code == status, answer.text
        assert detail in answer.text


@pytest.mark.asyncio
async def test_a_campaign_requests_one_message_for_each_subscribed_member(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        campaign_id = await draft(process)
        path = f"/v1/campaigns/{campaign_id}"
        for _ in range(2):
            answer = await process.client.post(f"{path}/launch")
            assert answer.status_code == 200, answer.text
        await until(lambda: is_in(process, campaign_id, "done"))
        found = await requests(rig)
        assert sorted(request["contact_id"] for request in found) == list(range(1, 9))
        by_contact = {request["contact_id"]: request for request in found}
        assert by_contact[2]["content"] == {"hero": "dogs"}
        assert by_contact[3]["content"] == {"hero": ""}
        assert by_contact[3]["revision"] == 3
        assert by_contact[3]["send"]["id"] == campaign_id
        assert by_contact[3]["cause"] == {"kind": "campaign", "campaign_id": campaign_id}
        shown = (await process.client.get(path)).json()
        assert shown["counts"] == {
            "audience": 8,
            "held_out": 0,
            "requested": 8,
            "skipped": {},
            "suppressed": {"unsubscribed": 1, "blocked": 1},
        }
        assert (await process.client.post(f"{path}/launch")).status_code == 409
        assert (await process.client.put(path, json=shown)).status_code == 409
        listed = (await process.client.get(f"{path}/recipients", params={"limit": 6})).json()
        assert [item["contact_id"] for item in listed["items"]] == [1, 2, 3, 4, 5, 6]
        rest = await process.client.get(f"{path}/recipients", params={"limit": 6, "cursor": listed["next_cursor"]})
        assert [(item["contact_id"], item["status"]) for item in rest.json()["items"]] == [
            (7, "requested"),
            (8, "requested"),
            (9, "suppressed"),
            (10, "suppressed"),
        ]
        one = (await process.client.get(f"{path}/recipients/9")).json()
        assert (one["status"], one["reason"], one["audience"]["include"]) == ("suppressed", "unsubscribed", [GENT])
        assert one["why"] == [{"pointer": "/include/0", "criterion": GENT, "segments": {}, "truth": True}]
        outside = (await process.client.get(f"{path}/recipients/11")).json()
        assert (outside["status"], outside["why"][0]["truth"]) == ("not_included", False)
        report = (await process.client.get(f"{path}/report")).json()
        assert report["requested"] == 8
        assert report["variants"] == [
            {"block": "hero", "variant": "dogs", "requested": 1, "clicked": 0},
            {"block": "hero", "variant": "", "requested": 7, "clicked": 0},
        ]
        assert report["lift"] is None
        assert "No contacts were held out" in report["lift_note"]
        assert (await process.client.delete(path)).status_code == 204


@pytest.mark.asyncio
async def test_changes_after_the_freeze_only_skip_recipients(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        campaign_id = await draft(process, hold_out_percent=50)
        path = f"/v1/campaigns/{campaign_id}"
        await process.client.post(f"{path}/launch")
        assert (await process.client.post(f"{path}/pause")).json()["state"] in ("paused", "done")
        before = {request["contact_id"] for request in await requests(rig)}
        await rig.publish([contact_with_subscription(1, "bounced"), contact(12, NOON, city="Gent")])
        await until(lambda: process.knows(12))
        assert {request["contact_id"] for request in await requests(rig)} == before
        if await state_of(process, campaign_id) == "paused":
            assert (await process.client.post(f"{path}/resume")).status_code == 200
        await until(lambda: is_in(process, campaign_id, "done"))
        counts = (await process.client.get(path)).json()["counts"]
        sent = {request["contact_id"] for request in await requests(rig)}
        assert counts["requested"] == len(sent)
        frozen = counts["audience"] + counts["held_out"] + counts["suppressed"].get("bounced", 0)
        # Each contact is in one slice, and a slice may have frozen its part before or after the pause.
        assert frozen in ((9,) if 12 in sent else (8, 9))
        assert counts["requested"] + sum(counts["skipped"].values()) == counts["audience"]


def clicked_in(campaign_id: str, contact_id: int, verdict: Any) -> ContactClicked:
    event = clicked(contact_id, NOON)
    send = Send(kind="campaign", id=campaign_id, sent_at=NOON)
    return replace(event, send=send, verdict=verdict)


@pytest.mark.asyncio
async def test_the_report_counts_contacts_machine_clicks_and_variants(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        campaign_id = await draft(process)
        path = f"/v1/campaigns/{campaign_id}"
        await process.client.post(f"{path}/launch")
        await until(lambda: is_in(process, campaign_id, "done"))
        await rig.publish([clicked_in(campaign_id, 2, "human"), clicked_in(campaign_id, 3, "human")])
        await rig.publish([clicked_in(campaign_id, one, "machine") for one in (4, 4, 5)])

        async def counted() -> dict[str, Any] | None:
            report: dict[str, Any] = (await process.client.get(f"{path}/report")).json()
            return report if report["machine_clicks"]["count"] == 3 and report["clicked"]["count"] == 2 else None

        report = await until(counted)
        assert report["machine_clicks"] == {"count": 3, "contacts": 2}
        assert report["variants"] == [
            {"block": "hero", "variant": "dogs", "requested": 1, "clicked": 1},
            {"block": "hero", "variant": "", "requested": 7, "clicked": 1},
        ]
        (link,) = report["links"]
        assert (link["clicked"], link["text"]) == (2, "Shop")

        async def recipients(**parameters: Any) -> list[int]:
            answer = await process.client.get(f"{path}/recipients", params={**parameters})
            assert answer.status_code == 200, answer.text
            found = [item["contact_id"] for item in answer.json()["items"]]
            assert answer.json()["total"] in (None, len(found))
            return found

        assert await recipients(status="requested", block="hero", variant="dogs") == [2]
        assert await recipients(status="requested", block="hero", variant="") == [1, 3, 4, 5, 6, 7, 8]
        assert await recipients(block="hero", variant="", clicked=True) == [3]
        assert await recipients(block="hero", variant="cats") == []
        assert await recipients(clicked=True) == [2, 3]
        assert await recipients(status="suppressed", reason="blocked") == [10]
        assert await recipients(status=["requested", "suppressed"], block="hero", variant="dogs") == [2]
        assert await recipients(status=["waiting", "skipped"]) == []
        refused = await process.client.get(f"{path}/recipients", params={"variant": "dogs"})
        assert refused.json()["errors"] == [{"pointer": "/query/variant", "detail": "requires `block`"}]
        people = await process.client.post("/v1/criteria/contacts", json={"criterion": report["clicked"]["criterion"]})
        assert [item["contact_id"] for item in people.json()["items"]] == [2, 3]


@pytest.mark.asyncio
async def test_the_audience_includes_events_published_before_the_launch(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        campaign_id = await draft(process)
        await rig.publish([contact(one, NOON, city="Gent") for one in range(100, 400)])
        await process.client.post(f"/v1/campaigns/{campaign_id}/launch")
        await until(lambda: is_in(process, campaign_id, "done"))
        assert (await process.client.get(f"/v1/campaigns/{campaign_id}")).json()["counts"]["requested"] == 308


@pytest.mark.asyncio
async def test_a_scheduled_campaign_is_sent_once_after_a_restart(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        later = (NOON + timedelta(hours=1)).isoformat()
        campaign_id = await draft(process, send_at=later)
        answer = await process.client.post(f"/v1/campaigns/{campaign_id}/launch")
        assert answer.json()["state"] == "scheduled"
    rig.clock.now = NOON + timedelta(hours=2)
    async with rig.process() as process:
        await until(lambda: is_in(process, campaign_id, "done"))
    async with rig.process():
        found = await requests(rig)
    assert sorted(request["contact_id"] for request in found) == list(range(1, 9))


@pytest.mark.asyncio
async def test_expired_and_cancelled_campaigns_request_nothing(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        expired = await draft(process, expires_at=(NOON - timedelta(hours=1)).isoformat())
        await process.client.post(f"/v1/campaigns/{expired}/launch")
        await until(lambda: is_in(process, expired, "done"))
        counts = (await process.client.get(f"/v1/campaigns/{expired}")).json()["counts"]
        assert (counts["requested"], counts["skipped"]) == (0, {"expired": 8})
        scheduled = await draft(process, send_at=(NOON + timedelta(days=1)).isoformat())
        await process.client.post(f"/v1/campaigns/{scheduled}/launch")
        assert (await process.client.delete(f"/v1/campaigns/{scheduled}")).status_code == 409
        assert (await process.client.post(f"/v1/campaigns/{scheduled}/cancel")).json()["state"] == "cancelled"
        assert await requests(rig) == []
        missing = {"name": "x", "message_id": str(UUID(int=404)), "audience": {"include": [GENT]}}
        assert (await process.client.post("/v1/campaigns", json=missing)).status_code == 404


@pytest.mark.asyncio
async def test_concurrent_launches_request_each_message_of_an_audience_once(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        empty = await draft(process, audience={"include": [{"field": {"key": "city", "is": "Atlantis"}}]})
        full = await draft(process, audience={"include": [{"all": []}], "exclude": [{"any": []}]})
        paths = [f"/v1/campaigns/{one}/launch" for one in (empty, full, full, empty)]
        answers = await asyncio.gather(*map(process.client.post, paths))
        assert [answer.status_code for answer in answers] == [200] * 4
        for campaign_id, count in ((empty, 0), (full, 9)):
            await until(partial(is_in, process, campaign_id, "done"))
            counts = (await process.client.get(f"/v1/campaigns/{campaign_id}")).json()["counts"]
            assert (counts["audience"], counts["requested"]) == (count, count)
        assert len(await requests(rig)) == 9


@pytest.mark.asyncio
async def test_local_times_are_in_the_account_time_zone_and_broken_drafts_are_reported(rig: Rig) -> None:
    async with rig.process() as process:
        await publish_contacts(rig, process)
        # The account is in Brussels, where clocks go forward from 02:00 to 03:00 on this day.
        campaign_id = await draft(process, send_at="2026-03-29T02:30:00", expires_at="2026-03-29T12:00:00")
        path = f"/v1/campaigns/{campaign_id}"
        shown = (await process.client.get(path)).json()
        assert (shown["send_at"], shown["expires_at"]) == ("2026-03-29T01:30:00Z", "2026-03-29T10:00:00Z")
        assert shown["broken"] is None
        await rig.publish([replace(message(), state="deleted"), replace(FIELD, state="deleted")])

        async def is_broken() -> bool:
            found = (await process.client.get(path)).json()["broken"] or []
            return [one["pointer"] for one in found] == ["/message_id"] or bool(
                found and found[0]["pointer"].startswith("/audience/include/0")
            )

        await until(is_broken)
        refused = await process.client.post(f"{path}/launch")
        assert refused.status_code in (409, 422), refused.text
        assert await state_of(process, campaign_id) == "draft"


@pytest.mark.asyncio
async def test_a_draft_whose_segments_became_expensive_is_not_broken(rig: Rig) -> None:
    """The cost of a criterion is limited when it is written; only a deletion breaks a draft."""
    top = [{"top_label": {"id": str(DOGS), "within_days": days}} for days in range(1, 5)]
    async with rig.process() as process:
        await publish_contacts(rig, process)
        segments = [await process.create(name, GENT) for name in ("One", "Two")]
        audience = {"include": [{"segment": {"id": segment}} for segment in segments]}
        body = {"name": "Spring", "message_id": str(MESSAGE), "audience": audience}
        made = await process.client.post("/v1/campaigns", json=body)
        for segment in segments:
            changed = {"name": "Dear", "criterion": {"any": top}}
            assert (await process.client.put(f"/v1/segments/{segment}", json=changed)).status_code == 200
        refused = await process.client.post("/v1/campaigns", json=body)
        assert (refused.status_code, "too long to count" in refused.text) == (422, True)
        path = f"/v1/campaigns/{made.json()['id']}"
        assert (await process.client.get(path)).json()["broken"] is None
        assert (await process.client.post(f"{path}/launch")).status_code == 200
