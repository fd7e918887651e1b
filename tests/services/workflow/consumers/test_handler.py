"""Runs of a workflow on a real Kafka and PostgreSQL."""

from datetime import timedelta

import pytest

from tests.services.workflow.events import CATS, DOGS, GUIDE, assigned, changed, clicked
from tests.services.workflow.rig import Rig
from tests.stack.waiting import until

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}
OWN_CLICK = {"on": "ContactClicked", "send": "this_run"}
WAIT_FOR_CLICK = {
    "id": "wait",
    "wait_for": {"any": [OWN_CLICK], "at_most": {"days": 3}, "then": [NURTURED], "else": [{"exit": {}}]},
}


@pytest.mark.asyncio
async def test_a_run_sends_a_message_waits_for_a_click_and_assigns_a_label(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, WAIT_FOR_CLICK)
    label = assigned()
    await rig.publish(changed(), label)
    run = await rig.run(workflow, "running")
    assert run["waiting"]["step_id"] == "wait"
    [request] = await until(lambda: rig.read("workflow.messages"))
    assert request.event.idempotency_key == f"{run['id']}:guide"
    assert request.event.send.id == run["id"]
    assert request.causation_id == str(label.event_id)

    click = clicked(send=run["id"])
    await rig.publish(click)
    run = await rig.run(workflow, "finished")
    assert [step["id"] for step in run["steps"]] == ["guide", "wait", "nurtured"]
    [command] = await until(lambda: rig.read("workflow.commands"))
    assert command.event.label_id == CATS
    assert command.event.origin.kind == "workflow"
    assert str(command.event.origin.run_id) == run["id"]
    assert command.causation_id == str(click.event_id)


@pytest.mark.asyncio
async def test_a_passed_deadline_takes_the_else_branch(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, WAIT_FOR_CLICK)
    await rig.publish(changed(), assigned())
    await rig.run(workflow, "running")
    rig.clock.ahead = timedelta(days=3, minutes=1)
    run = await rig.run(workflow, "exited")
    assert [step["id"] for step in run["steps"]] == ["guide", "wait", "exit-1"]
    assert await rig.read("workflow.commands") == []
    assert str(DOGS) in str(run["caused_by"])
