"""Segmentation is killed, paused, run twice and loses its servers; members and announcements stay exact.

After each fault the members equal a simple evaluation of the whole history, and the announcements on the topic
alternate for each contact and result in the same members.
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from services.segmentation.store import MIGRATIONS
from shared.events.tracking import MessageChanged
from tests.conftest import TestKafka
from tests.faults.segmentation_workload import CONTACTS, SETTLED_WITHIN, Workload, workload_on
from tests.services.segmentation.rig import ACCOUNT, MESSAGE, contact
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.processes import ServiceProcess
from tests.stack.waiting import until


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (MIGRATIONS,)


async def all_recipients(client: httpx.AsyncClient, path: str) -> list[int]:
    """Return the contact ids of the frozen audience of a campaign, in the order of the list."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        asked = {"limit": 1000} | ({} if cursor is None else {"cursor": cursor})
        page = (await client.get(f"{path}/recipients", params=asked)).json()
        found += [one["contact_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_members_are_exact_after_kills_and_a_corrupted_snapshot(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        with workload.process("one") as process:
            await workload.feed()
            process.start()
            await workload.define(process)
            for turn in range(8):
                if turn % 2:
                    await workload.redefine(process)
                before = await workload.applied()
                await workload.feed()
                if turn == 3:
                    await workload.rig.publish_again()
                # In the middle of the load, at a different record each time.
                middle = before + workload.dice.randrange(300)
                await until(partial(workload.has_applied, middle))
                if turn == 4:
                    await until(workload.has_snapshots)
                process.kill()
                if turn == 4:
                    await workload.rig.database.pool.execute("UPDATE snapshot_parts SET body = set_byte(body, 5, 1)")
                process.start()
            await workload.wait_for_members(process)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_members_are_exact_when_one_of_two_processes_is_killed_and_paused(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        with workload.process("one") as one, workload.process("two") as two:
            one.start()
            two.start()
            await workload.define(one)
            await workload.feed()
            two.kill()
            await workload.feed()
            two.start(ready=False)
            await workload.redefine(one)
            await workload.feed()
            two.wait_ready()
            await workload.wait_for_members(two)
            # Paused for longer than the group's session timeout, the process loses its slices without noticing.
            two.pause()
            await workload.feed()
            await until(lambda: workload.owners_are({one.url}), 100)
            await workload.feed()
            two.resume()
            await workload.redefine(one)
            await workload.feed()
            await workload.wait_for_members(one)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_members_are_exact_after_kafka_and_postgresql_are_killed(
    private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path: Path
) -> None:
    dsn = private_postgres.create_migrated("segmentation_faults", MIGRATIONS)
    async with workload_on(private_kafka.bootstrap, dsn, "gone.", tmp_path) as workload:
        with workload.process("one") as process:
            process.start()
            await workload.define(process)
            await workload.feed()
            private_postgres.kill()
            await workload.feed()
            private_postgres.start()
            await workload.feed()
            private_kafka.kill()
            private_kafka.start()
            await workload.feed()
            process.wait_ready()
            await workload.redefine(process)
            await workload.wait_for_members(process)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_announcements_of_a_large_segment_are_exact_after_kills(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The members are announced in several transactions while events for the same contacts arrive."""
    many = 30_000
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        now = datetime.now(UTC)
        await workload.rig.publish([contact(number, now, city="Gent") for number in range(1, many + 1)])
        with workload.process("one") as process:
            process.start()
            await until(partial(workload.has_applied, many), SETTLED_WITHIN)
            await workload.define(process)
            for share in (0.1, 0.4, 0.7):
                await until(partial(workload.has_announced, int(many * share)), SETTLED_WITHIN)
                process.kill()
                await workload.feed()
                process.start()
            await workload.wait_for_members_on_topic()


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_a_campaign_requests_each_message_once_when_processes_are_killed(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Each message is requested exactly once, wherever a process is killed and whichever process owns the slices."""
    many = 20_000
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        now = datetime.now(UTC)
        message = MessageChanged(
            occurred_at=now, account_id=ACCOUNT, message_id=MESSAGE, message_name="Spring", revision=1, links=()
        )
        await workload.rig.publish([message, *(contact(number, now, city="Gent") for number in range(1, many + 1))])
        with workload.process("one") as process, workload.process("two") as another:
            process.start()
            await until(partial(workload.has_applied, many), SETTLED_WITHIN)
            body = {
                "name": "Spring",
                "message_id": str(MESSAGE),
                "audience": {"include": [{"field": {"key": "city", "is": "gent"}}]},
                "hold_out_percent": 10,
            }
            async with workload.client(process) as client:
                created = await client.post("/v1/campaigns", json=body)
                assert created.status_code == 201, created.text
                path = f"/v1/campaigns/{created.json()['id']}"
                assert (await client.post(f"{path}/launch")).status_code == 200
            for share in (0.0, 0.05, 0.4, 0.7):
                await until(partial(has_requested, workload, int(many * share)), SETTLED_WITHIN)
                if share == 0.4:
                    # From now on, two processes share the slices, and each of them is killed.
                    another.start()
                    continue
                process.kill()
                await workload.feed(50)
                process.start()
            another.kill()
            another.start(ready=False)
            await until(partial(is_done, workload, process, path), SETTLED_WITHIN)
            async with workload.client(process) as client:
                counts = (await client.get(path)).json()["counts"]
                included = await all_recipients(client, path)
        rows = await workload.rig.database.pool.fetch(
            "SELECT contact_id, count(*) AS times FROM events WHERE topic = 'segmentation.messages' GROUP BY contact_id"
        )
        assert all(row["times"] == 1 for row in rows), "a message was requested twice"
        assert len(rows) == counts["requested"]
        assert counts["requested"] + sum(counts["skipped"].values()) == counts["audience"]
        # Whether `CONTACTS` live in Gent depends on the moment of the freeze; all others are included once.
        others = [contact_id for contact_id in included if contact_id not in CONTACTS]
        assert others == [contact_id for contact_id in range(1, many + 1) if contact_id not in CONTACTS]
        assert counts["audience"] + counts["held_out"] == len(included)
        assert many * 0.08 < counts["held_out"] < many * 0.12


async def has_requested(workload: Workload, number: int) -> bool:
    query = "SELECT count(*) FROM events WHERE topic = 'segmentation.messages'"
    return int(await workload.rig.database.pool.fetchval(query)) >= number


async def is_done(workload: Workload, process: ServiceProcess, path: str) -> bool:
    async with workload.client(process) as client:
        answer = await client.get(path)
        return answer.status_code == 200 and answer.json()["state"] == "done"
