"""A label is merged into another one under load while the worker is killed; counts and assignments stay exact."""

from collections import Counter
from functools import partial
from uuid import UUID

import httpx
import pytest

from tests.faults.chain import Chain
from tests.faults.checks import Interest, distinct_events, fetch
from tests.faults.dice import new_dice
from tests.stack.sandbox import Sandbox
from tests.stack.waiting import until, until_equal

KILLS = 3
WITHIN = 120.0  # seconds

STRENGTHS = """
SELECT assignment.contact_id, label.label_id, assignment.clicks
FROM assignments AS assignment JOIN labels AS label USING (label_no)
WHERE label.account_id = $1 AND (assignment.held OR assignment.clicks > 0)
"""
JOB = "SELECT state FROM background_jobs WHERE kind = 'label_merge' AND account_id = $1"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400), pytest.mark.asyncio]


async def test_every_click_counts_once_for_the_target_label_of_a_merge(chain: Chain) -> None:
    dice, shop = new_dice(), chain.shop
    dogs, cats = shop.labels["Dogs"], shop.labels["Cats"]
    async with chain.load() as load:
        await load.wait_for_more(dice.randint(600, 1_200))
        async with httpx.AsyncClient(base_url=chain.labeling_api.url, headers=shop.headers, timeout=30) as http:
            answer = await http.post(f"/v1/labels/{dogs}/merge", json={"into": str(cats)})
            assert answer.status_code == 202, answer.text
        for _ in range(KILLS):
            await load.wait_for_more(dice.randint(5, 300))
            chain.labeling.kill()
            chain.labeling.start(ready=False)
        await load.wait_for_more(300)
        await until(partial(_is_merged, chain.sandbox, shop.account_id), WITHIN)
        await load.wait_for_more(300)
    expected: Counter[Interest] = Counter()
    for (contact, label), clicks in shop.interests.items():
        expected[contact, cats if label == dogs else label] += clicks
    await until_equal(partial(_strengths, chain.sandbox, shop.account_id), expected, WITHIN)
    await until_equal(partial(_held_by_events, chain.sandbox, shop.account_id), set(expected), WITHIN)


async def _is_merged(sandbox: Sandbox, account_id: int) -> bool:
    return [row["state"] for row in await fetch(sandbox.database("labeling"), JOB, account_id)] == ["done"]


async def _strengths(sandbox: Sandbox, account_id: int) -> Counter[Interest]:
    rows = await fetch(sandbox.database("labeling"), STRENGTHS, account_id)
    return Counter({(row["contact_id"], row["label_id"]): row["clicks"] for row in rows})


async def _held_by_events(sandbox: Sandbox, account_id: int) -> set[Interest]:
    """Return the assignments that result from the events; check that `LabelAssigned` and `LabelRemoved` alternate."""
    held: set[Interest] = set()
    for _, event in await distinct_events(sandbox, "labeling.labels"):
        if event["account_id"] != account_id:
            continue
        interest = event["contact_id"], UUID(event["label_id"])
        is_assigned = event["ce_type"].startswith("penchant.LabelAssigned.")
        assert (interest in held) != is_assigned, f"{event['ce_type']} twice for {interest}"
        (held.add if is_assigned else held.discard)(interest)
    return held
