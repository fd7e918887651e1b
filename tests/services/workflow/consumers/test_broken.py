"""Workflows that use deleted objects, runs that reach such a step, and runs that fail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.events.labeling import AccountChanged, FieldChanged
from tests.services.workflow.events import CATS, GUIDE, OFFER, REGULARS, assigned, changed, engaged, now
from tests.services.workflow.rig import Rig, label, message, segment

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
IN_GENT: dict[str, Any] = {
    "id": "city",
    "if": {"criterion": {"field": {"key": "city", "is": "Gent"}}, "then": [SEND], "else": []},
}
FORM = {"id": "form", "wait_for": {"any": [{"on": "ContactEngaged", "kind": "form.submitted"}], "at_most": {"days": 9}}}


def city(state: Any = "active") -> FieldChanged:
    return FieldChanged(
        occurred_at=now(), account_id=1, field_key="city", field_name="City", field_type="text", state=state
    )


@pytest.mark.asyncio
async def test_a_workflow_that_is_broken_directly_or_by_a_segment_starts_no_run(working: Rig) -> None:
    rig = working
    by_label = await rig.workflow(SEND, condition={"not": {"label": str(CATS)}}, name="label")
    by_step = await rig.workflow(SEND, {"assign_label": {"label": str(CATS)}}, name="step")
    by_segment = await rig.workflow(SEND, condition={"segment": str(REGULARS)}, name="segment")
    untouched = await rig.workflow(SEND, name="untouched")
    await rig.publish(changed(), segment({"not": {"label": {"id": str(CATS)}}}, version=2))
    await rig.catalog.refresh(5)
    await rig.publish(label(CATS, "deleted"))
    await rig.catalog.refresh(5)
    await rig.publish(assigned())
    await rig.consumed()
    for broken in (by_label, by_step, by_segment):
        assert await rig.runs(broken) == []
        assert (await rig.call("GET", f"/v1/workflows/{broken['id']}"))["broken"] != []
    assert len(await rig.runs(untouched)) == 1


@pytest.mark.asyncio
async def test_a_run_at_a_broken_condition_is_blocked_until_the_condition_is_mended(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(FORM, IN_GENT)
    await rig.publish(changed(fields={"city": "Gent"}), assigned())
    await rig.consumed()
    await rig.publish(city("deleted"))
    await rig.catalog.refresh(5)
    await rig.publish(engaged())
    blocked = await rig.run(workflow, "blocked")
    assert blocked["waiting"]["step_id"] == "city"
    assert "city" in blocked["reason"]
    assert (await rig.call("GET", f"/v1/workflows/{workflow['id']}"))["runs"] == {"blocked": 1}
    await rig.publish(city())
    run = await rig.run(workflow, "finished")
    assert [step["id"] for step in run["steps"]] == ["form", "city", "guide"]
    assert len(await rig.read("workflow.messages")) == 1


@pytest.mark.asyncio
async def test_a_failed_run_is_retried_from_its_failed_step(working: Rig) -> None:
    rig = working
    offer = {"id": "offer", "send": {"message": str(OFFER)}}
    workflow = await rig.workflow(SEND, FORM, offer, {"id": "wait", "wait": {"days": 1}})
    await rig.publish(changed(), assigned())
    await rig.consumed()
    await rig.publish(message(OFFER, "deleted"))
    await rig.catalog.refresh(5)
    await rig.publish(engaged())
    failed = await rig.run(workflow, "failed")
    await rig.call("POST", f"/v1/runs/{failed['id']}/retry")
    assert (await rig.run(workflow, "failed"))["steps"][-1]["result"].keys() == {"failed"}
    await rig.publish(message(OFFER))
    await rig.catalog.refresh(5)
    again = await rig.call("POST", f"/v1/runs/{failed['id']}/retry")
    assert again["state"] == "running"
    assert [step["id"] for step in again["steps"]] == ["guide", "form", "offer", "offer", "offer"]
    assert again["waiting"]["step_id"] == "wait"
    await rig.call("POST", f"/v1/runs/{failed['id']}/retry", status=409)
    steps = (await rig.call("GET", f"/v1/workflows/{workflow['id']}/steps"))["items"]
    assert [(step["id"], step["passed"], step["waiting"], step["sent"]) for step in steps] == [
        ("guide", 1, 0, 1),
        ("form", 1, 0, 0),
        ("offer", 1, 0, 1),
        ("wait", 0, 1, 0),
    ]


@pytest.mark.asyncio
async def test_an_unreadable_definition_or_time_zone_blocks_only_the_runs_that_use_it(rig: Rig) -> None:
    wait = {"id": "wait", "wait": {"days": 1}}
    healthy = await rig.workflow(wait, SEND, name="healthy")
    unreadable = await rig.workflow(wait, SEND, name="unreadable")
    until_nine = await rig.workflow(wait, {"id": "nine", "wait": {"until": "09:00"}}, name="until nine")
    async with rig.worker():
        await rig.publish(changed(), assigned())
        await rig.consumed()
    # Simulate a newer release: a definition with an unknown step, and a time zone unknown to this machine.
    await rig.database.pool.execute(
        "UPDATE definitions SET body = $2 WHERE workflow_id = $1",
        UUID(unreadable["id"]),
        '{"name": "W", "steps": [{"dance": {}}]}',
    )
    mars = AccountChanged(occurred_at=now(), account_id=1, account_name="Shop", time_zone="Mars/Olympus_Mons")
    await rig.publish(mars)
    await rig.catalog.refresh(5)
    rig.clock.ahead = timedelta(days=2)
    async with rig.worker():
        assert (await rig.run(healthy, "finished"))["steps"][-1]["result"].keys() == {"message_id", "idempotency_key"}
        assert "cannot be read" in (await rig.run(unreadable, "blocked"))["reason"]
        assert "Mars/Olympus_Mons" in (await rig.run(until_nine, "blocked"))["reason"]
        await rig.publish(replace(mars, event_id=uuid7(), time_zone="Europe/Brussels"))
        assert (await rig.run(until_nine, "running"))["waiting"]["step_id"] == "nine"


@pytest.mark.asyncio
async def test_a_failed_run_is_retried_with_the_version_that_corrects_its_step(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, FORM, {"id": "offer", "send": {"message": str(OFFER)}})
    await rig.publish(changed(), assigned())
    await rig.consumed()
    await rig.publish(message(OFFER, "deleted"))
    await rig.catalog.refresh(5)
    await rig.publish(engaged())
    failed = await rig.run(workflow, "failed")
    corrected = [SEND, FORM, {"id": "offer", "send": {"message": str(GUIDE)}}]
    await rig.call("PUT", f"/v1/workflows/{workflow['id']}", {**workflow, "steps": corrected})
    again = await rig.call("POST", f"/v1/runs/{failed['id']}/retry")
    assert (again["state"], again["version"]) == ("finished", 2)
    assert [step["id"] for step in again["steps"]] == ["guide", "form", "offer", "offer"]
    requests = await rig.read("workflow.messages")
    assert [request.event.message_id for request in requests] == [GUIDE, GUIDE]
