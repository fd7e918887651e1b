"""Which contacts may start a run, when and how often; and the order in which events are handled."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.events.parts import Origin
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
    left,
    now,
    removed,
)
from tests.services.workflow.rig import Rig, label, segment

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}
WAIT = {"id": "wait", "wait": {"days": 1}}


@pytest.mark.asyncio
async def test_reentry_decides_how_often_a_contact_starts(working: Rig) -> None:
    rig = working
    once = await rig.workflow(SEND)
    every_time = await rig.workflow(WAIT, reentry="every_time")
    not_twice = await rig.workflow(
        WAIT, reentry="not_while_running", exit_on=[{"on": "LabelRemoved", "label": CATS.hex}]
    )
    await rig.publish(changed(), assigned(), assigned(), assigned())
    await rig.consumed()
    assert [len(await rig.runs(workflow)) for workflow in (once, every_time, not_twice)] == [1, 3, 1]
    # The run ends in the same batch in which the next one starts.
    await rig.publish(removed(CATS), assigned())
    await rig.consumed()
    assert [run["state"] for run in await rig.runs(not_twice)] == ["exited", "running"]
    assert len(await rig.runs(once)) == 1


@pytest.mark.asyncio
async def test_a_trigger_accepts_only_its_origins_and_ignores_undo_by_default(working: Rig) -> None:
    rig = working
    anyone = await rig.workflow(SEND, reentry="every_time")
    trigger = {"on": "LabelAssigned", "label": str(DOGS)}
    clickers = await rig.workflow(SEND, triggers=[trigger | {"origins": ["click"]}])
    undone = await rig.workflow(SEND, triggers=[trigger | {"origins": ["undo"]}])
    await rig.publish(
        changed(1), assigned(contact=1, origin=Origin(kind="import", ref="list.csv")),
        changed(2), assigned(contact=2, origin=Origin(kind="click")),
        changed(3), assigned(contact=3, origin=Origin(kind="undo")),
    )  # fmt: skip
    await rig.consumed()
    assert [{run["contact_id"] for run in await rig.runs(one)} for one in (anyone, clickers, undone)] == [
        {1, 2},
        {2},
        {3},
    ]


@pytest.mark.asyncio
async def test_a_label_assigned_and_removed_in_one_batch_is_handled_in_order(rig: Rig) -> None:
    gained = await rig.workflow(WAIT, exit_on=[{"on": "LabelRemoved", "label": str(DOGS)}])
    lost = await rig.workflow(
        SEND, triggers=[{"on": "LabelRemoved", "label": str(DOGS)}], condition={"not": {"label": str(DOGS)}}
    )
    entering = await rig.workflow(SEND, triggers=[{"on": "SegmentEntered", "segment": str(REGULARS)}])
    leaving = await rig.workflow(SEND, triggers=[{"on": "SegmentLeft", "segment": str(REGULARS)}])
    await rig.publish(changed(), assigned(), removed(), entered(), left())
    async with rig.worker():
        await rig.consumed()
        assert [run["state"] for run in await rig.runs(gained)] == ["exited"]
        for workflow in (lost, entering, leaving):
            assert [run["state"] for run in await rig.runs(workflow)] == ["finished"]


@pytest.mark.asyncio
async def test_a_condition_sees_the_clicks_that_caused_a_label_even_if_they_are_read_later(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, condition={"segment": str(REGULARS)})
    await rig.publish(changed())
    clicks = [clicked() for _ in range(3)]
    sequences = [rig.next_sequence("tracking.clicks") for _ in clicks]
    await rig.publish(assigned(), after={"tracking.clicks": sequences[-1]}, causation=clicks[-1].event_id)
    # The event of the label is held; now the clicks arrive.
    for click, sequence in zip(clicks, sequences, strict=True):
        await (await rig.send(click, sequence, {}))
    run = await rig.run(workflow, "finished")
    assert run["condition"]["parts"][0]["saw"]["count"] == 3


@pytest.mark.asyncio
async def test_engagements_start_runs_by_kind_ref_and_attributes(working: Rig) -> None:
    rig = working
    survey = {"on": "ContactEngaged", "kind": "survey.answered", "ref": "spring", "where": {"interested": False}}
    workflow = await rig.workflow({"remove_label": {"label": str(DOGS)}}, triggers=[survey])
    await rig.publish(
        *(changed(contact) for contact in (1, 2, 3, 4)),
        engaged("survey.answered", 1, "spring", {"interested": False}),
        engaged("survey.answered", 2, "spring", {"interested": True}),
        engaged("survey.answered", 3, "autumn", {"interested": False}),
        engaged("survey.answered", 4, "spring", {"interested": 0}),
    )
    await rig.consumed()
    assert [run["contact_id"] for run in await rig.runs(workflow)] == [1]


@pytest.mark.asyncio
async def test_an_event_counts_for_the_definition_in_effect_when_it_was_recorded(rig: Rig) -> None:
    workflow = await rig.workflow(SEND, activate=False, reentry="every_time")
    draft = assigned()
    await rig.call("POST", f"/v1/workflows/{workflow['id']}/activate")
    first = assigned()
    await rig.call("PUT", f"/v1/workflows/{workflow['id']}", workflow | {"steps": [NURTURED]})
    second = assigned()
    await rig.publish(changed(), draft, first, second)
    async with rig.worker():
        await rig.consumed()
        runs = await rig.runs(workflow)
        assert [(run["version"], run["trigger"]["event_id"]) for run in runs] == [
            (1, str(first.event_id)),
            (2, str(second.event_id)),
        ]


@pytest.mark.asyncio
async def test_runs_finish_on_the_version_that_they_started_with(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(WAIT, SEND)
    await rig.publish(changed(), assigned())
    await rig.run(workflow, "running")
    await rig.call("PUT", f"/v1/workflows/{workflow['id']}", workflow | {"steps": [NURTURED]})
    rig.clock.ahead = timedelta(days=2)
    run = await rig.run(workflow, "finished")
    assert run["version"] == 1
    assert [step["id"] for step in run["steps"]] == ["wait", "guide"]


@pytest.mark.asyncio
async def test_a_loop_of_workflows_is_stopped_with_a_reason(working: Rig) -> None:
    rig = working

    async def swap(one: UUID, other: UUID) -> dict[str, Any]:
        return await rig.workflow(
            {"assign_label": {"label": str(other)}},
            triggers=[{"on": "LabelAssigned", "label": str(one)}],
            reentry="every_time",
        )

    dogs, cats = await swap(DOGS, CATS), await swap(CATS, DOGS)
    await rig.publish(changed(), assigned())
    answered: set[str] = set()
    for _ in range(30):
        await rig.consumed()
        commands = [one for one in await rig.read("workflow.commands") if one.event_id not in answered]
        for command in commands:  # respond as labeling would
            answered.add(command.event_id)
            event = assigned(command.event.label_id, origin=command.event.origin)
            await rig.publish(event, causation=command.event_id, correlation=command.correlation_id)
        if not commands and await stopped(rig, dogs, cats):
            break
    [run] = await stopped(rig, dogs, cats)
    assert "trigger each other" in run["reason"]
    assert len(answered) == 11, "the first run may cause a chain of ten runs"
    first = (await rig.runs(dogs))[0]
    detail = await rig.call("GET", f"/v1/runs/{first['id']}")
    asked, came = detail["caused"]
    assert (asked["type"], asked["requested"]) == ("AssignLabel", True)
    assert (came["type"], came["causation_id"]) == ("LabelAssigned", asked["event_id"])
    assert came["started"][0]["workflow_id"] == cats["id"]


async def stopped(rig: Rig, *workflows: dict[str, Any]) -> list[dict[str, Any]]:
    return [run for workflow in workflows for run in await rig.runs(workflow) if run["state"] == "stopped"]


@pytest.mark.asyncio
async def test_a_deleted_label_breaks_its_workflow_and_fails_the_run_with_a_reason(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(WAIT, NURTURED)
    await rig.publish(changed(), assigned())
    await rig.run(workflow, "running")
    await rig.publish(label(CATS, "deleted"), segment({"all": []}, "deleted", 2))
    await rig.catalog.refresh(5)
    shown = await rig.call("GET", f"/v1/workflows/{workflow['id']}")
    assert shown["broken"] == [{"pointer": "/steps/1/assign_label/label", "detail": f"label {CATS} was deleted"}]
    rig.clock.ahead = timedelta(days=2)
    run = await rig.run(workflow, "failed")
    assert run["reason"] == f"label {CATS} was deleted"
    assert run["steps"][-1]["result"] == {"failed": run["reason"]}


@pytest.mark.asyncio
async def test_erasing_a_contact_cancels_its_runs_and_deletes_its_data(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(WAIT, condition={"field": {"key": "city", "is": "Gent"}})
    await rig.publish(changed(fields={"city": "Gent"}), assigned())
    run = await rig.run(workflow, "running")
    assert "Gent" in str(run["condition"])
    await rig.publish(changed(state="erased", when=now() + timedelta(seconds=1)))
    run = await rig.run(workflow, "cancelled")
    assert run["condition"] is None
    assert await rig.database.pool.fetchval("SELECT count(*) FROM contacts") == 0
