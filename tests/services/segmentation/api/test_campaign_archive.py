"""A year after a campaign, its recipients and the reasons are still available, at a few kilobytes per thousand."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.events.envelope import Event
from shared.idempotency.claims import forget_old_answers
from tests.services.segmentation.campaigns import GENT, contact_with_subscription, draft, is_in, message
from tests.services.segmentation.rig import DOGS, NOON, Process, Rig, clicked, contact
from tests.stack.waiting import until

CONTACTS = 6_000
ELSEWHERE = "Brugge"
CLICKED = {"clicks": {"label": str(DOGS), "within_days": 30}}
FEW = 4
CLICKER, OUTSIDER, SUPPRESSED = 1, 2, 3
# Members with scattered ids cost 2 bytes in each set that contains them: the audience, the criteria that are true for
# them, and their variant of each block. Dense sets cost a fraction of that.
MOST_BYTES_PER_THOUSAND = 7_000
STORED_BYTES = """
SELECT
    (SELECT sum(pg_column_size(slice.*)) FROM campaign_slices AS slice WHERE slice.campaign_id = $1)
    + (SELECT pg_column_size(campaign.*) FROM campaigns AS campaign WHERE campaign.campaign_id = $1)
"""


def is_in_gent(number: int) -> bool:
    """Return whether the contact lives in Gent; the choice is scattered over the ids."""
    return number > SUPPRESSED and number * 7919 % 10_007 % 10 < 7


def people() -> list[Event]:
    """Return contacts with scattered ids; some of those in Gent cannot be sent to."""
    subscribed = [contact(one, NOON, city="Gent") for one in range(1, CONTACTS + 1) if is_in_gent(one) and one % 20]
    blocked = [
        contact_with_subscription(one, "blocked") for one in range(1, CONTACTS + 1) if is_in_gent(one) and one % 20 == 0
    ]
    others = [contact(one, NOON, city=ELSEWHERE) for one in range(1, CONTACTS + 1) if not is_in_gent(one)]
    clicks = [clicked(one, NOON) for one in range(1, CONTACTS + 1) if one == CLICKER or one % 30 == 7]
    return [*subscribed, *blocked, *others, contact_with_subscription(SUPPRESSED, "unsubscribed"), *clicks]


@pytest.mark.asyncio
async def test_recipients_and_reasons_are_available_a_year_later_in_a_few_kilobytes(rig: Rig) -> None:
    async with rig.process(snapshot_seconds=0.5) as process:
        await rig.publish([message(), *people()])
        await until(partial(knows_all, process))
        segment_id = await process.create("Dog people of Gent", {"all": [GENT]})
        include = [{"segment": {"id": segment_id}}, CLICKED]
        campaign_id = await draft(process, audience={"include": include}, hold_out_percent=10)
        path = f"/v1/campaigns/{campaign_id}"
        assert (await process.client.post(f"{path}/launch")).status_code == 200
        await until(lambda: is_in(process, campaign_id, "done"))
        counts = (await process.client.get(path)).json()["counts"]
        stored = await rig.database.pool.fetchval(STORED_BYTES, campaign_id)
        assert counts["requested"] > CONTACTS / 2
        assert stored <= MOST_BYTES_PER_THOUSAND * counts["requested"] / 1000, (stored, counts)
        some = await examples_of_recipients(process, path)
        before = {contact_id: await recipient(process, path, contact_id) for contact_id in some}
        statuses = {one["status"] for one in before.values()}
        assert statuses == {"requested", "held_out", "suppressed", "not_included"}
        assert [part["truth"] for part in before[CLICKER]["why"]] == [False, True]
        # All facts that the criteria depend on are changed afterwards.
        await rig.publish([contact(one, NOON, city=ELSEWHERE) for one in some if one != CLICKER])
        await rig.publish([contact(CLICKER, NOON, state="erased")])
        await process.client.put(f"/v1/segments/{segment_id}", json={"name": "Others", "criterion": {"any": []}})
        assert (await process.client.delete(f"/v1/segments/{segment_id}")).status_code == 204
        await rig.publish([replace(message(), state="deleted")])
    rig.clock.now = NOON + timedelta(days=370)
    # The snapshot is too old to be used, days have passed, and old days of segments and old answers are deleted.
    async with rig.process(snapshot_seconds=0.1) as process:
        await until(partial(process.knows, CONTACTS - 1))
        await until(partial(has_reached_the_day, rig))
        await forget_old_answers(rig.database.pool)
        for contact_id, known in before.items():
            assert await recipient(process, path, contact_id) == known
        assert (await process.client.get(path)).json()["counts"] == counts
        assert await rig.database.pool.fetchval(STORED_BYTES, campaign_id) == stored


async def knows_all(process: Process) -> bool:
    body = {"criterion": {"any": [CLICKED, {"not": CLICKED}]}}
    clickers = sum(1 for one in range(1, CONTACTS + 1) if one == CLICKER or one % 30 == 7)
    counted = await process.client.post("/v1/criteria/count", json=body)
    if counted.status_code != 200 or counted.json()["count"] != CONTACTS:
        return False
    clicked_on = await process.client.post("/v1/criteria/count", json={"criterion": CLICKED})
    return bool(clicked_on.json()["count"] == clickers)


async def examples_of_recipients(process: Process, path: str) -> list[int]:
    """Return the ids of a few contacts with each status."""
    listed = (await process.client.get(f"{path}/recipients", params={"limit": 1000})).json()["items"]
    kinds: dict[str, list[int]] = {}
    for one in listed:
        kinds.setdefault(one["status"], []).append(one["contact_id"])
    return sorted({CLICKER, OUTSIDER, SUPPRESSED, *(one for found in kinds.values() for one in found[:FEW])})


async def recipient(process: Process, path: str, contact_id: int) -> dict[str, Any]:
    found: dict[str, Any] = (await process.client.get(f"{path}/recipients/{contact_id}")).json()
    return found


async def has_reached_the_day(rig: Rig) -> bool:
    """Return whether every slice has reached the clock's day."""
    behind = "SELECT count(*) FROM slice_days WHERE day < $1"
    return bool(await rig.database.pool.fetchval(behind, rig.clock.now.date()) == 0)
