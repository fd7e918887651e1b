"""Existing contacts are processed at a rate that delays neither new events nor other accounts."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.workflow.use_cases import ticking
from shared.events.labeling import AccountChanged
from shared.http.keys import generate
from tests.services.workflow.events import CATS, DOGS, assigned, changed, now
from tests.services.workflow.rig import Rig, key, label
from tests.stack.waiting import until

MANY, FEW = range(1, 1501), range(1, 31)
AT_ONCE = 5  # contacts per piece: each partition number has a hundred pieces
NEIGHBOUR, BIRDS = 2, UUID(int=31)
NEIGHBOURS_KEY = generate()
WAIT = {"id": "wait", "wait": {"days": 1}}


def on(label_id: UUID, *, include_existing: bool = True) -> dict[str, Any]:
    return {"on": "LabelAssigned", "label": str(label_id), "include_existing": include_existing}


async def neighbour(rig: Rig) -> str:
    """Create another account with holders of a label and an inactive workflow on it; return the workflow's path."""
    account = AccountChanged(occurred_at=now(), account_id=NEIGHBOUR, account_name="Next door", time_zone="UTC")
    own = [account, key(NEIGHBOURS_KEY, NEIGHBOUR), replace(label(BIRDS), account_id=NEIGHBOUR)]
    await rig.publish(*own)
    await rig.publish(*(replace(changed(one), account_id=NEIGHBOUR) for one in FEW))
    await rig.publish(*(assigned(BIRDS, one, account=NEIGHBOUR) for one in FEW))
    await rig.catalog.refresh(5)
    body = {"name": "Bird lovers", "triggers": [on(BIRDS)], "steps": [WAIT]}
    made = await rig.call("POST", "/v1/workflows", body, 201, Authorization=f"Bearer {NEIGHBOURS_KEY}")
    return f"/v1/workflows/{made['id']}"


async def started(rig: Rig) -> int:
    """Return the number of runs started."""
    number: int = await rig.database.pool.fetchval("SELECT count(*) FROM runs")
    return number


async def enrolments_have_ended(rig: Rig) -> bool:
    return bool(await rig.database.pool.fetchval("SELECT NOT EXISTS (SELECT FROM enrolments)"))


@pytest.mark.asyncio
async def test_many_existing_contacts_do_not_delay_other_workflows(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticking, "ENROLMENT_PIECE", AT_ONCE)
    await rig.publish(*map(changed, MANY), *(assigned(contact=one) for one in MANY))
    path = await neighbour(rig)
    live = await rig.workflow(WAIT, triggers=[on(CATS, include_existing=False)])
    async with rig.worker():
        await rig.consumed()
        existing = await rig.workflow(WAIT, triggers=[on(DOGS)])
        await until(lambda: started(rig))
        await rig.publish(assigned(CATS, contact=7))
        await rig.call("POST", f"{path}/activate", Authorization=f"Bearer {NEIGHBOURS_KEY}")
        await until(lambda: enrolments_have_ended(rig))
    last = "SELECT max(started_at) FROM runs WHERE workflow_id = $1"
    taken = await rig.database.pool.fetchval(last, UUID(existing["id"]))
    assert await started(rig) == len(MANY) + len(FEW) + 1
    for workflow_id in (live["id"], path.rpartition("/")[2]):
        assert await rig.database.pool.fetchval(last, UUID(workflow_id)) < taken, (
            "the run waited for all existing contacts"
        )
