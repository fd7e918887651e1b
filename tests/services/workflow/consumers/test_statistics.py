"""Statistics of runs and steps are counters, which must equal a count of all runs and their steps."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode
from uuid import UUID

import pytest

from services.workflow.store.counts import COLUMNS, StepCounts
from shared.events.labeling import ContactChanged
from tests.services.workflow.events import CATS, DOGS, GUIDE, OFFER, assigned, changed, clicked
from tests.services.workflow.rig import Rig
from tests.stack.waiting import until, until_equal

CONTACTS = range(1, 61)
SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
ANSWER = {
    "id": "answer",
    "wait_for": {
        "any": [{"on": "ContactClicked", "send": "this_run"}],
        "at_most": {"days": 3},
        "then": [{"id": "cats", "assign_label": {"label": str(CATS)}}],
        "else": [{"id": "offer", "send": {"message": str(OFFER)}}],
    },
}
HALF = {
    "id": "half",
    "split": {"percent": 50, "then": [{"id": "rest", "wait": {"days": 1}}], "else": [{"id": "out", "exit": {}}]},
}
STATES = "SELECT state, count(*) AS number FROM runs WHERE workflow_id = $1 GROUP BY state"
STEPS = """
SELECT step.step_id, step.result::jsonb AS result
FROM run_steps AS step JOIN runs AS run USING (run_id)
WHERE run.workflow_id = $1 AND step.kind <> 'exit_on'
"""
WAITING = "SELECT step_id FROM runs WHERE workflow_id = $1 AND state IN ('running', 'blocked') AND step_id IS NOT NULL"
CLICKED = """
SELECT click.message_id FROM run_clicks AS click JOIN runs AS run USING (run_id) WHERE run.workflow_id = $1
"""


async def counted_one_by_one(rig: Rig, workflow_id: UUID) -> tuple[dict[str, int], dict[str, StepCounts]]:
    """Return the runs by state, and the counts of each step, from the rows of runs and their steps."""
    pool = rig.database.pool
    states = {row["state"]: row["number"] for row in await pool.fetch(STATES, workflow_id)}
    steps: dict[str, StepCounts] = {}
    for row in await pool.fetch(STEPS, workflow_id):
        found, result = steps.setdefault(row["step_id"], StepCounts()), row["result"]
        found.passed += "failed" not in result
        found.sent += "idempotency_key" in result
        found.not_sent += "not_sent" in result
        found.went_then += '"branch": "then"' in result
        found.went_else += '"branch": "else"' in result
    for row in await pool.fetch(WAITING, workflow_id):
        steps.setdefault(row["step_id"], StepCounts()).waiting += 1
    for row in await pool.fetch(CLICKED, workflow_id):
        steps["guide" if row["message_id"] == GUIDE else "offer"].clicked += 1
    return states, steps


async def shown(rig: Rig, workflow_id: UUID) -> tuple[dict[str, int], dict[str, StepCounts]]:
    """Return the same counts as the API shows them, without steps that no run reached."""
    states = (await rig.call("GET", f"/v1/workflows/{workflow_id}"))["runs"]
    steps = {}
    for one in (await rig.call("GET", f"/v1/workflows/{workflow_id}/steps"))["items"]:
        branches = {f"went_{name}": number for name, number in one.get("branches", {}).items()}
        numbers = {column: one[column] for column in COLUMNS if column in one} | branches
        if any(numbers.values()):
            steps[one["id"]] = StepCounts(**numbers)
    return states, steps


async def listed(rig: Rig, workflow_id: UUID) -> dict[str, StepCounts]:
    """Return the lengths of the lists of runs behind the counts of each step, without steps that no run reached."""
    steps = {}
    for one in (await rig.call("GET", f"/v1/workflows/{workflow_id}/steps"))["items"]:
        lengths = {}
        for column in COLUMNS:
            query = {"step": one["id"], "outcome": column.removeprefix("went_"), "limit": 1000}
            found = (await rig.call("GET", f"/v1/workflows/{workflow_id}/runs?{urlencode(query)}"))["items"]
            lengths[column] = len(found)
        if any(lengths.values()):
            steps[one["id"]] = StepCounts(**lengths)
    return steps


async def agree(rig: Rig, workflow_id: UUID) -> None:
    """Wait until the rows, the counters and the lists agree; timers may fire between the reads."""
    await rig.consumed()

    async def differences() -> object:
        counted, answered = await counted_one_by_one(rig, workflow_id), await shown(rig, workflow_id)
        lists = await listed(rig, workflow_id)
        return None if counted == answered and answered[1] == lists else (counted, answered, lists)

    await until_equal(differences, None)


def people() -> list[ContactChanged]:
    """Return contacts of which every seventh is unsubscribed."""
    return [changed(one, subscription="subscribed" if one % 7 else "unsubscribed") for one in CONTACTS]


@pytest.mark.asyncio
async def test_counters_equal_a_count_of_the_runs_and_steps(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, ANSWER, HALF)
    workflow_id = UUID(workflow["id"])
    await rig.publish(*people(), *(assigned(contact=one) for one in CONTACTS))
    await agree(rig, workflow_id)
    runs = {run["contact_id"]: run["id"] for run in await rig.runs(workflow)}
    assert len(runs) == len(CONTACTS)
    await rig.publish(*(clicked(one, send=runs[one]) for one in CONTACTS if one % 3 == 0 for _ in range(1 + one % 2)))
    await agree(rig, workflow_id)
    for contact in CONTACTS[:5]:
        await rig.call("POST", f"/v1/runs/{runs[contact]}/cancel")
    await rig.publish(replace(changed(6), state="erased"))
    await agree(rig, workflow_id)
    # Waiting runs resume on a version with one step less; then all remaining runs end.
    body = {"name": "Dog lovers", "triggers": [{"on": "LabelAssigned", "label": str(DOGS)}], "steps": [SEND, HALF]}
    await rig.call("PUT", f"/v1/workflows/{workflow_id}", body)
    await rig.publish(changed(99), assigned(contact=99))
    await agree(rig, workflow_id)
    for days, step_id in ((5, "answer"), (10, "rest")):
        rig.clock.ahead = timedelta(days=days)
        await until(partial(no_run_waits, rig, workflow_id, step_id))
        await agree(rig, workflow_id)
    assert "running" not in (await shown(rig, workflow_id))[0]


@pytest.mark.asyncio
async def test_the_runs_behind_a_count_are_paged_and_filtered(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND)
    await rig.publish(*people(), *(assigned(contact=one) for one in CONTACTS))
    await agree(rig, UUID(workflow["id"]))
    path = f"/v1/workflows/{workflow['id']}/runs?step=guide&limit=7"
    found: list[int] = []
    cursor = ""
    while cursor is not None:
        page = await rig.call("GET", f"{path}&outcome=passed&cursor={cursor}" if cursor else f"{path}&outcome=passed")
        found += [run["contact_id"] for run in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(found) == list(CONTACTS)
    refused = await rig.call("GET", f"{path}&outcome=not_sent&contact_id=14")
    assert [run["contact_id"] for run in refused["items"]] == [14]
    assert (await rig.call("GET", f"{path}&outcome=sent&contact_id=14"))["items"] == []
    assert (await rig.call("GET", f"{path}&outcome=sent&state=running"))["items"] == []
    for wrong in (f"{path}&outcome=opened", f"/v1/workflows/{workflow['id']}/runs?outcome=sent"):
        problem = await rig.call("GET", wrong, status=422)
        assert [error["pointer"] for error in problem["errors"]] == ["/query/outcome"]


async def no_run_waits(rig: Rig, workflow_id: UUID, step_id: str) -> bool:
    return (await shown(rig, workflow_id))[1][step_id].waiting == 0
