"""Effects happen once, whatever is redelivered, replayed or rebuilt."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.services.workflow.events import CATS, GUIDE, assigned, changed, clicked
from tests.services.workflow.rig import Rig
from tests.stack.waiting import until

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}


async def facts(rig: Rig, projection: int) -> list[tuple[Any, ...]]:
    rows = await rig.database.pool.fetch(
        "SELECT contact_id, facts FROM contacts WHERE projection = $1 ORDER BY contact_id", projection
    )
    # Topics are interleaved differently each time, so the order of the JSON members varies.
    return [(row["contact_id"], orjson.loads(row["facts"])) for row in rows]


@pytest.mark.asyncio
async def test_a_new_projection_has_the_same_facts_and_repeats_no_run(rig: Rig) -> None:
    workflow = await rig.workflow(SEND, NURTURED, reentry="every_time")
    contacts = range(1, 21)
    async with rig.worker():
        for contact in contacts:
            await rig.publish(changed(contact), clicked(contact), assigned(contact=contact))
        await rig.consumed()
    before = await facts(rig, rig.settings.workflow_projection)
    assert len(before) == 20
    async with rig.worker(projection=99):
        await until(lambda: has_same_facts(rig, before))
        await rig.publish(assigned(contact=1))
        await until(lambda: has_runs(rig, workflow, 21))
    requests = await until(lambda: at_least(rig, "workflow.messages", 21))
    assert len({request.event.idempotency_key for request in requests}) == len(requests) == 21
    assert len(await rig.read("workflow.commands")) == 21


async def has_same_facts(rig: Rig, before: list[tuple[Any, ...]]) -> bool:
    return await facts(rig, 99) == before


async def has_runs(rig: Rig, workflow: dict[str, Any], number: int) -> bool:
    return len(await rig.runs(workflow)) == number


async def at_least(rig: Rig, topic: str, number: int) -> list[Any]:
    found = await rig.read(topic)
    return found if len(found) >= number else []


@pytest.mark.asyncio
async def test_redelivered_records_are_ignored(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, reentry="every_time")
    await rig.publish(changed())
    event, sequence = assigned(), rig.next_sequence("labeling.labels")
    for _ in range(3):
        await (await rig.send(event, sequence, {}))
    await rig.publish(assigned())
    await rig.consumed()
    assert len(await rig.runs(workflow)) == 2


@pytest.mark.asyncio
async def test_a_thousand_due_timers_fire_once_after_a_restart(rig: Rig) -> None:
    workflow = await rig.workflow({"id": "wait", "wait": {"hours": 1}}, SEND)
    contacts = range(1, 1001)
    async with rig.worker():
        await rig.publish(
            *(changed(contact) for contact in contacts), *(assigned(contact=contact) for contact in contacts)
        )
        await rig.consumed()
    rig.clock.ahead = timedelta(hours=2)
    async with rig.worker():
        await until(lambda: all_finished(rig, workflow, 1000))
    requests = await until(lambda: at_least(rig, "workflow.messages", 1000))
    assert sorted(request.event.contact_id for request in requests) == list(contacts)
    steps = await rig.database.pool.fetch("SELECT run_id, count(*) AS steps FROM run_steps GROUP BY run_id")
    assert {row["steps"] for row in steps} == {2}


async def all_finished(rig: Rig, workflow: dict[str, Any], number: int) -> bool:
    shown = await rig.call("GET", f"/v1/workflows/{workflow['id']}")
    return bool(shown["runs"] == {"finished": number})


@pytest.mark.asyncio
async def test_an_event_from_an_outage_is_handled_before_a_later_deadline(rig: Rig) -> None:
    step = {
        "id": "answer",
        "wait_for": {"any": [{"on": "ContactClicked"}], "at_most": {"hours": 1}, "then": [NURTURED]},
    }
    workflow = await rig.workflow(SEND, step)
    async with rig.worker():
        await rig.publish(changed(1), changed(2), assigned(contact=1), assigned(contact=2))
        await rig.consumed()
    # The outage: answers arrive, then the deadline passes, then the service restarts.
    await rig.publish(clicked(contact=1))
    rig.clock.ahead = timedelta(hours=3)
    async with rig.worker():
        answered = await rig.run(workflow, "finished", 1)
        silent = await rig.run(workflow, "finished", 2)
    assert [step["id"] for step in answered["steps"]] == ["guide", "answer", "nurtured"]
    assert [step["id"] for step in silent["steps"]] == ["guide", "answer"]
