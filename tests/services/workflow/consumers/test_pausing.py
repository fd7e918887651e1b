"""A pause loses no event; existing members of a segment start runs on request."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.workflow.events import CATS, GUIDE, REGULARS, assigned, changed, clicked, entered, removed
from tests.services.workflow.rig import Rig
from tests.stack.waiting import until

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}
OWN_CLICK = {"on": "ContactClicked", "send": "this_run"}
ANSWER = {"id": "answer", "wait_for": {"any": [OWN_CLICK], "at_most": {"days": 3}, "then": [NURTURED]}}


async def pause(rig: Rig, workflow: dict[str, Any]) -> None:
    await rig.call("POST", f"/v1/workflows/{workflow['id']}/pause")


async def resume(rig: Rig, workflow: dict[str, Any]) -> None:
    await rig.call("POST", f"/v1/workflows/{workflow['id']}/activate")


@pytest.mark.asyncio
async def test_events_during_a_pause_are_queued_or_skipped_as_configured(working: Rig) -> None:
    rig = working
    queueing = await rig.workflow(SEND, reentry="every_time")
    skipping = await rig.workflow(SEND, reentry="every_time", while_paused="skip")
    await rig.publish(*(changed(contact) for contact in (1, 2, 3)), assigned(contact=1))
    await rig.consumed()
    await pause(rig, queueing)
    await pause(rig, skipping)
    await rig.publish(assigned(contact=2))
    await rig.consumed()
    assert [len(await rig.runs(workflow)) for workflow in (queueing, skipping)] == [1, 1]
    await resume(rig, queueing)
    await resume(rig, skipping)
    await rig.publish(assigned(contact=3))
    await until_contacts(rig, queueing, [1, 2, 3])
    await until_contacts(rig, skipping, [1, 3])
    requests = await until(lambda: requested(rig, 5))
    assert len({request.event.idempotency_key for request in requests}) == 5


async def until_contacts(rig: Rig, workflow: dict[str, Any], contacts: list[int]) -> None:
    async def reached() -> bool:
        return sorted(run["contact_id"] for run in await rig.runs(workflow)) == contacts

    await until(reached)


async def requested(rig: Rig, number: int) -> list[Any]:
    found = await rig.read("workflow.messages")
    return found if len(found) >= number else []


@pytest.mark.asyncio
async def test_runs_of_a_paused_workflow_handle_events_and_deadlines_on_resume(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, ANSWER, exit_on=[{"on": "LabelRemoved", "label": str(CATS)}])
    await rig.publish(
        *(changed(contact) for contact in (1, 2, 3)), *(assigned(contact=contact) for contact in (1, 2, 3))
    )
    runs = {run["contact_id"]: run for run in [await rig.run(workflow, "running", contact) for contact in (1, 2, 3)]}
    await pause(rig, workflow)
    await rig.publish(clicked(contact=1, send=runs[1]["id"]), removed(CATS, contact=2))
    await rig.consumed()
    rig.clock.ahead = timedelta(days=4)
    # The run of another workflow shows that timers have fired.
    other = await rig.workflow({"wait": {"minutes": 1}}, triggers=[{"on": "LabelAssigned", "label": str(CATS)}])
    await rig.publish(assigned(CATS, contact=3))
    await rig.run(other, "finished", 3)
    assert {run["state"] for run in await rig.runs(workflow)} == {"running"}
    await resume(rig, workflow)
    first = await rig.run(workflow, "finished", 1)
    assert [step["id"] for step in first["steps"]] == ["guide", "answer", "nurtured"]
    assert (await rig.run(workflow, "exited", 2))["reason"].startswith("exit_on: LabelRemoved")
    third = await rig.run(workflow, "finished", 3)
    assert third["steps"][1]["result"]["branch"] == "else"


@pytest.mark.asyncio
async def test_events_during_a_pause_are_handled_before_later_events(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, reentry="every_time")
    await rig.publish(changed())
    await rig.consumed()
    await pause(rig, workflow)
    events = [assigned() for _ in range(40)]
    await rig.publish(*events[:20])
    await resume(rig, workflow)
    await rig.publish(*events[20:])

    async def all_started() -> bool:
        return len(await rig.runs(workflow)) == 40

    await until(all_started)
    requests = await until(lambda: requested(rig, 40))
    assert [request.causation_id for request in requests] == [str(event.event_id) for event in events]


@pytest.mark.asyncio
async def test_existing_members_of_a_segment_start_runs_only_on_request(working: Rig) -> None:
    rig = working
    members = list(range(1, 30))
    await rig.publish(*map(changed, members))
    await rig.publish(*(entered(contact=contact, reason="definition") for contact in members))
    await rig.consumed()
    trigger = {"on": "SegmentEntered", "segment": str(REGULARS)}
    new_ones = await rig.workflow(SEND, triggers=[trigger])
    assert new_ones["expects"]["messages_at_once"] == 0
    everyone = await rig.workflow(
        SEND, SEND | {"id": "more"}, triggers=[trigger | {"include_existing": True}], activate=False
    )
    everyone = await rig.call("POST", f"/v1/workflows/{everyone['id']}/activate")
    assert (everyone["expects"]["runs_at_once"], everyone["expects"]["messages_at_once"]) == (29, 58)
    await until_contacts(rig, everyone, members)
    await rig.publish(changed(50), entered(contact=50), changed(51), entered(contact=51, reason="definition"))
    await until_contacts(rig, everyone, [*members, 50, 51])
    await until_contacts(rig, new_ones, [50])


@pytest.mark.asyncio
async def test_deleting_a_workflow_cancels_its_runs(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, ANSWER)
    await rig.publish(changed(), assigned())
    run = await rig.run(workflow, "running")
    await rig.call("DELETE", f"/v1/workflows/{workflow['id']}", status=204)

    async def cancelled() -> bool:
        shown = await rig.call("GET", f"/v1/runs/{run['id']}")
        return (shown["state"], shown["reason"]) == ("cancelled", "the workflow was deleted")

    await until(cancelled)
    await rig.publish(assigned())
    await rig.consumed()
    await rig.call("GET", f"/v1/workflows/{workflow['id']}", status=404)
    assert await rig.database.pool.fetchval("SELECT count(*) FROM runs") == 1
