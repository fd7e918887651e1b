"""Segments on a real Kafka and PostgreSQL: contacts enter and leave by events, by the day, and after restarts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.segmentation.use_cases.slice_memory import SliceMemory
from shared.criteria import parse
from shared.events.labeling import AccountChanged
from tests.services.segmentation.rig import ACCOUNT, CATS, DOGS, NOON, Process, Rig, clicked, contact, day
from tests.stack.waiting import until

THRICE: dict[str, Any] = {"clicks": {"label": str(DOGS), "at_least": 3, "within_days": 30}}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("noon", "midnight"),
    [
        (NOON, NOON.replace(hour=23, minute=0)),
        # The day on which summer time begins has 23 hours, and the next one begins at 22:00 UTC.
        (NOON + day(9), (NOON + day(9)).replace(hour=22, minute=0)),
        (NOON + day(10), (NOON + day(10)).replace(hour=22, minute=0)),
    ],
)
async def test_a_click_starts_a_membership_and_midnight_ends_it(rig: Rig, noon: datetime, midnight: datetime) -> None:
    rig.clock.now = noon
    async with rig.process() as process:
        segment_id = await process.create("Dog lovers", THRICE)
        await rig.publish([contact(number, noon) for number in (1, 2)])
        await rig.publish([clicked(1, noon - day(shift)) for shift in (29, 28)])
        await rig.publish([clicked(1, noon), clicked(2, noon)])
        await until(lambda: moves_are(rig, segment_id, [(1, True, "event")]))
        assert await process.count(segment_id) == 1
        # A minute before midnight in Brussels the contact is still a member, and a minute after midnight it is not.
        rig.clock.now = midnight - timedelta(minutes=1)
        assert await process.count(segment_id) == 1
        assert all(memory.slices[ACCOUNT].next_day() == midnight for memory in memories_with_contacts(process))
        rig.clock.now = midnight + timedelta(minutes=1)
        await until(lambda: moves_are(rig, segment_id, [(1, True, "event"), (1, False, "time")]))
        assert await process.count(segment_id) == 0
        series = (await process.client.get(f"/v1/segments/{segment_id}/series?since=2026-01-01")).json()
        assert series == {"days": [{"day": noon.date().isoformat(), "count": 1}]}


def memories_with_contacts(process: Process) -> list[SliceMemory]:
    return [memory for memory in process.handler.memories.values() if ACCOUNT in memory.slices]


async def moves_are(rig: Rig, segment_id: str, expected: list[tuple[int, bool, str]]) -> bool:
    return await rig.moves(segment_id) == expected


@pytest.mark.asyncio
async def test_creating_changing_and_deleting_a_segment_announces_the_difference(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON, city="Gent" if number % 2 else "Brugge") for number in range(1, 9)])
        await until(lambda: process.knows(8))
        criterion = {"field": {"key": "city", "is": "GENT"}}
        segment_id = await process.create("Gent", criterion)
        await until(lambda: rig.has_announced(segment_id, rig.expected(parse(criterion))))
        assert {reason for _, _, reason in await rig.moves(segment_id)} == {"definition"}
        changed = {"field": {"key": "city", "in": ["brugge"]}}
        answer = await process.client.put(
            f"/v1/segments/{segment_id}", json={"name": "Brugge", "criterion": changed}, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 200, answer.text
        await until(lambda: rig.has_announced(segment_id, rig.expected(parse(changed))))
        assert len(await rig.moves(segment_id)) == 12
        assert (await process.client.delete(f"/v1/segments/{segment_id}")).status_code == 204
        await until(lambda: rig.has_announced(segment_id, set()))


@pytest.mark.asyncio
async def test_members_stay_correct_across_restarts_with_and_without_a_snapshot(rig: Rig) -> None:
    criterion = {"any": [THRICE, {"not": {"clicks": {"label": str(CATS)}}}]}
    async with rig.process(snapshot_seconds=0.2) as process:
        segment_id = await process.create("Dogs, or no cats", criterion)
        await rig.publish([contact(number, NOON) for number in range(1, 40)])
        await rig.publish([clicked(number, NOON - day(number % 5), CATS) for number in range(1, 40, 2)])
        await until(lambda: rig.has_announced(segment_id, rig.expected(parse(criterion))))
        rig.clock.now += timedelta(seconds=1)
        await until(lambda: has_all_snapshots(rig))
    for damage in ("", "UPDATE snapshot_parts SET body = set_byte(body, 9, 99)", "DELETE FROM snapshots"):
        await rig.database.pool.execute(damage or "SELECT 1")
        await rig.publish([clicked(number, NOON) for number in range(1, 8) for _ in range(1)])
        async with rig.process() as process:
            await rig.publish([clicked(number, NOON) for number in range(3, 12)])
            await until(lambda: rig.has_announced(segment_id, rig.expected(parse(criterion))))
            members = await process.client.get(f"/v1/segments/{segment_id}/members?limit=1000")
            found = {item["contact_id"] for item in members.json()["items"]}
            assert found == rig.expected(parse(criterion))


async def has_all_snapshots(rig: Rig) -> bool:
    count: int = await rig.database.pool.fetchval("SELECT count(*) FROM snapshots")
    return count == rig.settings.partitions


@pytest.mark.asyncio
async def test_an_erased_contact_leaves_its_segments(rig: Rig) -> None:
    async with rig.process() as process:
        segment_id = await process.create("All", {"not": {"label": str(DOGS)}})
        await rig.publish([contact(1, NOON), contact(2, NOON)])
        await until(lambda: rig.has_announced(segment_id, {1, 2}))
        await rig.publish([contact(1, NOON, "erased")])
        await until(lambda: rig.has_announced(segment_id, {2}))
        assert (await rig.moves(segment_id))[-1][2] == "event"


@pytest.mark.asyncio
async def test_two_processes_share_the_slices_and_return_the_total_count(rig: Rig) -> None:
    async with rig.process("one") as one, rig.process("two") as two:
        segment_id = await one.create("Dogs", {"clicks": {"label": str(DOGS)}})
        await rig.publish([contact(number, NOON) for number in range(1, 41)])
        await until(lambda: len(two.handler.memories) == 2 and len(one.handler.memories) == 2, 60)
        await rig.publish([clicked(number, NOON) for number in range(1, 31)])
        await until(lambda: rig.has_announced(segment_id, set(range(1, 31))))
        assert await one.count(segment_id) == await two.count(segment_id) == 30
        members = (await two.client.get(f"/v1/segments/{segment_id}/members?limit=7")).json()
        assert [item["contact_id"] for item in members["items"]] == list(range(1, 8))
        assert members["total"] == 30


@pytest.mark.fault
@pytest.mark.timeout(240)
@pytest.mark.asyncio
async def test_a_process_takes_over_the_slices_of_a_stopped_process(rig: Rig) -> None:
    # The session must not expire before the request below is sent, even on a busy machine.
    rig.settings = rig.settings.model_copy(update={"kafka_session_timeout": 15})
    criterion = {"clicks": {"label": str(DOGS)}}
    async with rig.process("one") as one:
        segment_id = await one.create("Dogs", criterion)
        await rig.publish([contact(number, NOON) for number in range(1, 41)])
        async with rig.process("two") as two:
            await until(lambda: len(two.handler.memories) == 2 and len(one.handler.memories) == 2, 60)
        # The slices of process two have no owner until its session expires and the group assigns them to process one.
        answer = await one.client.post("/v1/criteria/count", json={"criterion": criterion})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        await rig.publish([clicked(number, NOON) for number in range(31, 36)])
        await until(lambda: rig.has_announced(segment_id, set(range(31, 36))), 120)
        assert await one.count(segment_id) == 5


@pytest.mark.asyncio
async def test_a_change_of_time_zone_moves_clicks_to_other_days(rig: Rig) -> None:
    criterion = {"clicks": {"from": "2026-03-20", "to": "2026-03-20"}}
    async with rig.process() as process:
        segment_id = await process.create("On the 20th", criterion)
        await rig.publish([contact(1, NOON), clicked(1, NOON.replace(hour=23, minute=30) - day(1))])
        await until(lambda: rig.has_announced(segment_id, {1}))  # half past midnight in Brussels
        await rig.publish(
            [AccountChanged(occurred_at=NOON, account_id=7, account_name="Shop", time_zone="America/New_York")]
        )
        await until(lambda: rig.has_announced(segment_id, set()))
        assert await process.count(segment_id) == 0
