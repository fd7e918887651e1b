"""Runs on a real Kafka and PostgreSQL."""

from datetime import timedelta

import pytest

from tests.services.workflow.events import CATS, DOGS, GUIDE, assigned, changed, clicked
from tests.services.workflow.rig import Rig
from tests.stack.waiting import until

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}
OWN_CLICK = {"on": "ContactClicked", "send": "this_run"}
STORY = {
    "id": "wait",
    "wait_for": {"any": [OWN_CLICK], "at_most": {"days": 3}, "then": [NURTURED], "else": [{"exit": {}}]},
}


@pytest.mark.asyncio
async def test_the_story_from_label_to_nurtured(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, STORY)
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
async def test_a_deadline_passes(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, STORY)
    await rig.publish(changed(), assigned())
    await rig.run(workflow, "running")
    rig.clock.ahead = timedelta(days=3, minutes=1)
    run = await rig.run(workflow, "exited")
    assert [step["id"] for step in run["steps"]] == ["guide", "wait", "exit-1"]
    assert await rig.read("workflow.commands") == []
    assert str(DOGS) in str(run["caused_by"])
