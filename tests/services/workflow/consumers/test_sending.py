"""Which contacts receive messages, the effect of old events, and the counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.events.tracking import BlockVariant, MessageBlock
from tests.services.workflow.events import (
    CATS,
    DOGS,
    GUIDE,
    REGULARS,
    assigned,
    changed,
    clicked,
    engaged,
    entered,
    now,
)
from tests.services.workflow.rig import Rig, message

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}


@pytest.mark.asyncio
async def test_only_known_and_subscribed_contacts_receive_messages(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND)
    subscriptions = ["subscribed", "unconfirmed", "unsubscribed", "bounced", "blocked"]
    for contact, subscription in enumerate(subscriptions, start=1):
        await rig.publish(changed(contact, subscription=subscription), assigned(contact=contact))
    await rig.publish(assigned(contact=6))
    await rig.consumed()
    results = {}
    for contact in range(1, 7):
        run = await rig.run(workflow, "finished", contact)
        results[contact] = run["steps"][0]["result"].get("not_sent")
    assert results == dict(enumerate([None, *subscriptions[1:], "unknown"], start=1))
    assert [request.event.contact_id for request in await rig.read("workflow.messages")] == [1]
    [step] = (await rig.call("GET", f"/v1/workflows/{workflow['id']}/steps"))["items"]
    assert (step["passed"], step["sent"], step["not_sent"]) == (6, 1, 5)


@pytest.mark.asyncio
async def test_old_and_historical_events_start_no_run_but_count_in_conditions(working: Rig) -> None:
    rig = working
    triggers: list[dict[str, Any]] = [
        {"on": "ContactClicked", "label": str(DOGS)},
        {"on": "LabelAssigned", "label": str(DOGS)},
        {"on": "ContactEngaged", "kind": "form.submitted"},
        {"on": "SegmentEntered", "segment": str(REGULARS)},
    ]
    workflow = await rig.workflow(SEND, triggers=triggers, reentry="every_time")
    patient = await rig.workflow(SEND, triggers=triggers, reentry="every_time", max_event_age={"days": 3660})
    two_years = now() - timedelta(days=730)
    old = [
        replace(clicked(when=two_years), event_id=uuid7()),
        replace(assigned(when=two_years), event_id=uuid7()),
        replace(engaged(when=two_years), event_id=uuid7()),
        replace(entered(), caused_at=two_years),
    ]
    history = [replace(event, history=True) for event in (clicked(), assigned(), engaged(), entered())]
    await rig.publish(changed(), *old, *history)
    await rig.consumed()
    assert await rig.runs(workflow) == []
    assert len(await rig.runs(patient)) == 4
    tried = await rig.call("POST", f"/v1/workflows/{workflow['id']}/try", {"days": 7})
    assert tried["started"] == 0
    asking = await rig.workflow(SEND, condition={"clicks": {"label": str(DOGS), "exactly": 2}})
    await rig.publish(assigned())
    await rig.consumed()
    assert len(await rig.runs(asking)) == 1, "old clicks count"


@pytest.mark.asyncio
async def test_existing_holders_of_a_label_start_runs_that_a_dry_run_announces(working: Rig) -> None:
    rig = working
    contacts = range(1, 31)
    await rig.publish(*map(changed, contacts), *(assigned(contact=contact) for contact in contacts if contact % 3))
    await rig.consumed()
    trigger = {"on": "LabelAssigned", "label": str(DOGS), "include_existing": True}
    workflow = await rig.workflow(SEND, {"id": "wait", "wait": {"days": 1}}, triggers=[trigger], activate=False)
    path = f"/v1/workflows/{workflow['id']}/activate"
    expects = (await rig.call("POST", f"{path}?dry_run=true"))["expects"]
    assert (expects["runs_at_once"], expects["messages_at_once"]) == (20, 20)
    assert await rig.runs(workflow) == []
    assert (await rig.call("POST", path))["state"] == "active"
    await rig.run(workflow, "running", 29)
    await rig.publish(assigned(contact=30))
    await rig.run(workflow, "running", 30)

    async def shown() -> dict[str, Any]:
        found: dict[str, Any] = await rig.call("GET", f"/v1/workflows/{workflow['id']}")
        return found

    assert (await shown())["runs"] == {"running": 21}
    runs = await rig.runs(workflow)
    assert sorted(run["contact_id"] for run in runs) == [*(contact for contact in contacts if contact % 3), 30]


@pytest.mark.asyncio
async def test_clicks_on_the_message_of_a_step_count_once_per_run(working: Rig) -> None:
    rig = working
    answer = {
        "id": "answer",
        "wait_for": {"any": [{"on": "ContactClicked", "send": "this_run"}], "at_most": {"days": 3}},
    }
    workflow = await rig.workflow(SEND, answer, {"id": "cats", "assign_label": {"label": str(CATS)}})
    await rig.publish(changed(1), changed(2), assigned(contact=1), assigned(contact=2))
    await rig.consumed()
    run = await rig.run(workflow, "running", 1)
    await rig.publish(
        clicked(1, send=run["id"]), clicked(1, send=run["id"]), clicked(1, send=run["id"], verdict="machine")
    )
    await rig.consumed()
    guide, wait, cats = (await rig.call("GET", f"/v1/workflows/{workflow['id']}/steps"))["items"]
    assert (guide["sent"], guide["clicked"]) == (2, 1)
    assert (wait["passed"], wait["waiting"], wait["branches"]) == (1, 1, {"then": 1})
    assert cats["passed"] == 1
    assert (await rig.call("GET", f"/v1/workflows/{workflow['id']}"))["runs"] == {"finished": 1, "running": 1}


@pytest.mark.asyncio
async def test_a_wait_for_a_criterion_ends_by_an_event_or_at_midnight(rig: Rig) -> None:
    bought = {
        "id": "bought",
        "wait_for": {
            "criterion": {"field": {"key": "city", "is": "Gent"}},
            "at_most": {"days": 9},
            "then": [SEND],
        },
    }
    quiet = {
        "id": "quiet",
        "wait_for": {"criterion": {"clicks": {"exactly": 0, "within_days": 2}}, "at_most": {"days": 9}, "then": [SEND]},
    }
    by_event = await rig.workflow(bought)
    by_time = await rig.workflow(quiet)
    async with rig.worker():
        await rig.publish(changed(), clicked())
        await rig.consumed()
        await rig.publish(assigned())
        await rig.consumed()
        await rig.publish(changed(fields={"city": "Gent"}))
        assert (await rig.run(by_event, "finished"))["steps"][0]["result"]["came"] == "criterion"
        assert (await rig.run(by_time, "running"))["waiting"]["step_id"] == "quiet"
    rig.clock.ahead = timedelta(days=3)
    async with rig.worker():
        assert (await rig.run(by_time, "finished"))["steps"][0]["result"]["branch"] == "then"


@pytest.mark.asyncio
async def test_a_message_request_contains_the_content_decided_for_the_contact(working: Rig) -> None:
    rig = working
    in_gent = {"field": {"key": "city", "is": "Gent"}}
    hero = MessageBlock(
        block="hero",
        variants=(
            BlockVariant(variant="gone", criterion={"label": {"id": str(uuid7())}}),
            BlockVariant(variant="gent", criterion=in_gent),
        ),
        fallback=True,
    )
    await rig.publish(replace(message(GUIDE), revision=3, blocks=(hero,)))
    await rig.catalog.refresh(5)
    workflow = await rig.workflow(SEND)
    await rig.publish(changed(1, fields={"city": "Gent"}), changed(2), assigned(contact=1), assigned(contact=2))
    await rig.consumed()
    requests = {request.event.contact_id: request.event for request in await rig.read("workflow.messages")}
    assert {contact: request.content for contact, request in requests.items()} == {1: {"hero": "gent"}, 2: {"hero": ""}}
    assert {request.revision for request in requests.values()} == {3}
    assert all(request.expires_at > now() for request in requests.values())
    assert (await rig.run(workflow, "finished", 1))["steps"][0]["result"]["content"] == {"hero": "gent"}
