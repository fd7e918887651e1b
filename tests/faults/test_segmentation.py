"""Segmentation killed, stopped, run twice and cut off from its servers: members and announcements are exact.

After each fault the members equal the plain evaluation of the whole history, and the announcements on the topic
alternate for each contact and add up to the members.
"""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.segmentation.store import MIGRATIONS
from shared.criteria import Criterion, inline_segments, parse
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactEngaged, ContactState, LabelAssigned, LabelRemoved
from shared.events.parts import Origin
from shared.events.tracking import MessageChanged
from tests.conftest import TestKafka
from tests.faults.dice import new_dice
from tests.services.segmentation.rig import ACCOUNT, CATS, DOGS, MESSAGE, PARTITIONS, Rig, clicked, contact, make_rig
from tests.stack.nodes import KafkaNode, PostgresNode, server_folder
from tests.stack.processes import ServiceProcess
from tests.stack.waiting import until, until_equal

CONTACTS = range(1, 121)
CITIES = ["Gent", "GENT", "Antwerpen", "Brugge"]
SETTLED_WITHIN = 90.0  # seconds
SESSION_TIMEOUT = "6"  # seconds; the shortest that a broker accepts
CRITERIA: list[dict[str, Any]] = [
    {"clicks": {"label": str(DOGS), "at_least": 3, "within_days": 30}},
    {"all": [{"field": {"key": "city", "in": ["gent", "antwerpen"]}}, {"not": {"label": str(CATS)}}]},
    {"engaged": {"kind": "form.submitted", "ref": "contest", "exactly": 0}},
    {"label": {"any_of": [str(DOGS), str(CATS)], "older_than_days": 10}},
]


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (MIGRATIONS,)


def random_event(dice: random.Random, now: datetime) -> ContactEvent:
    """Return a random event of a random contact within the last 40 days."""
    contact_id, at = dice.choice(CONTACTS), now - timedelta(days=dice.randrange(40), minutes=1)
    kind = dice.randrange(10)
    if kind < 5:
        return clicked(contact_id, at, dice.choice([DOGS, CATS]))
    if kind < 7:
        state: ContactState = "erased" if dice.random() < 0.03 else "active"
        return contact(contact_id, now, state, city=dice.choice(CITIES))
    if kind < 9:
        model: type[LabelAssigned | LabelRemoved] = dice.choice([LabelAssigned, LabelAssigned, LabelRemoved])
        label_id = dice.choice([DOGS, CATS])
        return model(
            occurred_at=at, account_id=ACCOUNT, contact_id=contact_id, label_id=label_id, label_name="any",
            origin=Origin(kind="click"),
        )  # fmt: skip
    return ContactEngaged(
        occurred_at=at, account_id=ACCOUNT, contact_id=contact_id, kind="form.submitted", ref="contest", attributes={}
    )


class Workload:
    """Processes of segmentation, a stream of events, and the members that must result."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.folder = folder
        self.dice = new_dice()
        self.segments: dict[str, Criterion] = {}
        self.processes: list[ServiceProcess] = []
        rig.clock.now = datetime.now(UTC)

    @contextmanager
    def process(self, name: str) -> Iterator[ServiceProcess]:
        """Return a process that saves snapshots continuously, so that faults hit it while it saves one."""
        settings = self.rig.settings
        process = ServiceProcess(
            "services.segmentation",
            {
                "PENCHANT_KAFKA": settings.kafka,
                "PENCHANT_TOPIC_PREFIX": settings.topic_prefix,
                "PENCHANT_PARTITIONS": str(PARTITIONS),
                "PENCHANT_KAFKA_SESSION_TIMEOUT": SESSION_TIMEOUT,
                "PENCHANT_SEGMENTATION_DATABASE": settings.segmentation_database.get_secret_value(),
                "PENCHANT_SEGMENTATION_SNAPSHOT_SECONDS": "0.3",
            },
            self.folder / f"{name}.log",
            "PENCHANT_SEGMENTATION_PORT",
            forked=True,
        )
        self.processes.append(process)
        try:
            yield process
        finally:
            process.end()

    def client(self, process: ServiceProcess) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.rig.key}"}
        return httpx.AsyncClient(base_url=process.url, headers=headers, timeout=15)

    async def define(self, process: ServiceProcess) -> None:
        async with self.client(process) as client:
            criteria = [*CRITERIA, None]
            for number, written in enumerate(criteria):
                criterion = written or {"not": {"segment": next(iter(self.segments))}}
                answer = await client.post("/v1/segments", json={"name": f"s{number}", "criterion": criterion})
                assert answer.status_code == 201, answer.text
                self.segments[answer.json()["id"]] = parse(criterion)

    async def redefine(self, process: ServiceProcess) -> None:
        """Change the first segment, which the last one includes."""
        segment_id = next(iter(self.segments))
        number = self.dice.randrange(1, 4)
        criterion = {"clicks": {"label": str(DOGS), "at_least": number, "within_days": self.dice.randrange(5, 40)}}
        async with self.client(process) as client:
            answer = await client.put(f"/v1/segments/{segment_id}", json={"name": "s0", "criterion": criterion})
            assert answer.status_code == 200, answer.text
        self.segments[segment_id] = parse(criterion)

    async def feed(self, number: int = 300) -> None:
        now = datetime.now(UTC)
        await self.rig.publish([random_event(self.dice, now) for _ in range(number)])

    async def applied(self) -> int:
        """Return the approximate number of applied records."""
        count = await self.rig.database.pool.fetchval("SELECT coalesce(sum(next_offset), 0)::bigint FROM checkpoints")
        return int(count)

    async def has_applied(self, number: int) -> bool:
        return await self.applied() >= number

    async def has_snapshots(self) -> bool:
        return int(await self.rig.database.pool.fetchval("SELECT count(*) FROM snapshots")) == PARTITIONS

    async def has_announced(self, number: int) -> bool:
        query = "SELECT count(*) FROM events WHERE topic = 'segmentation.memberships'"
        return int(await self.rig.database.pool.fetchval(query)) >= number

    async def owners_are(self, urls: set[str]) -> bool:
        rows = await self.rig.database.pool.fetch("SELECT url FROM slice_owner")
        return {row["url"] for row in rows} == urls

    def expected(self) -> dict[str, set[int]]:
        self.rig.clock.now = datetime.now(UTC)
        by_id = {UUID(segment_id): criterion for segment_id, criterion in self.segments.items()}
        return {
            segment_id: self.rig.expected(inline_segments(criterion, by_id.get))
            for segment_id, criterion in self.segments.items()
        }

    async def settled_on_topic(self) -> dict[str, set[int]]:
        """Wait until the topic has the expected members; return them by segment."""
        expected = self.expected()

        async def differences() -> dict[str, dict[str, list[int]]]:
            found = await self.rig.all_announced_members()
            pairs = {segment_id: (found.get(segment_id, set()), members) for segment_id, members in expected.items()}
            return {
                segment_id: {"missing": sorted(members - announced), "too many": sorted(announced - members)}
                for segment_id, (announced, members) in pairs.items()
                if announced != members
            }

        expected_differences: dict[str, dict[str, list[int]]] = {}
        await until_equal(differences, expected_differences, SETTLED_WITHIN, explain=self.explain)
        return expected

    async def explain(self) -> str:
        """Return the state of the database and the processes, for the message of a failing test."""
        found = []
        for table in ("checkpoints", "publications", "slice_owner", "held"):
            rows = await self.rig.database.pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
            found.append(f"{table}: {[dict(row) for row in rows]}")
        events = await self.rig.database.pool.fetch(
            "SELECT partition, topic, count(*), max(position) FROM events GROUP BY 1, 2 ORDER BY 1, 2"
        )
        found.append(f"events: {[dict(row) for row in events]}")
        async with httpx.AsyncClient(timeout=15) as client:
            for process in self.processes:
                health = (await client.get(f"{process.url}/health/ready")).text if process.running else "it has ended"
                found.append(f"{process.log.name}: {health}\n{process.tail()}")
        return "\n".join(found)

    async def settled(self, process: ServiceProcess) -> None:
        """Wait until the topic and the API have the expected members."""
        expected = await self.settled_on_topic()
        async with self.client(process) as client:
            for segment_id, members in expected.items():

                async def listed(path: str = f"/v1/segments/{segment_id}/members") -> set[int] | None:
                    answer = await client.get(path, params={"limit": 1000})
                    if answer.status_code == 503:
                        return None
                    return {item["contact_id"] for item in answer.json()["items"]} | {0}

                assert await until(listed, SETTLED_WITHIN) == members | {0}


@asynccontextmanager
async def workload_on(bootstrap: str, dsn: str, prefix: str, folder: Path) -> AsyncIterator[Workload]:
    async with make_rig(bootstrap, dsn, prefix) as rig:
        yield Workload(rig, folder)


async def all_included(client: httpx.AsyncClient, path: str) -> list[int]:
    """Return the frozen audience of a campaign by contact id, and whether each is held out."""
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
async def test_killed_while_it_folds_announces_and_saves(
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
                # Somewhere in the middle of the load, at another record each time.
                middle = before + workload.dice.randrange(300)
                await until(partial(workload.has_applied, middle))
                if turn == 4:
                    await until(workload.has_snapshots)
                process.kill()
                if turn == 4:
                    await workload.rig.database.pool.execute("UPDATE snapshot_parts SET body = set_byte(body, 5, 1)")
                process.start()
            await workload.settled(process)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_two_processes_one_killed_stopped_and_continued(
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
            await workload.settled(two)
            # Longer than the session timeout of the group: the process loses its slices without knowing it.
            two.pause()
            await workload.feed()
            await until(lambda: workload.owners_are({one.url}), 100)
            await workload.feed()
            two.resume()
            await workload.redefine(one)
            await workload.feed()
            await workload.settled(one)


@pytest.fixture
def durable_postgres() -> Iterator[PostgresNode]:
    """Provide a server that loses nothing committed when it is killed."""
    with server_folder("postgres") as folder:
        node = PostgresNode(folder, durable=True)
        node.start()
        yield node
        node.stop()


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_kafka_and_postgresql_gone_for_a_while(
    private_kafka: KafkaNode, durable_postgres: PostgresNode, tmp_path: Path
) -> None:
    dsn = durable_postgres.create_migrated("segmentation_faults", MIGRATIONS)
    async with workload_on(private_kafka.bootstrap, dsn, "gone.", tmp_path) as workload:
        with workload.process("one") as process:
            process.start()
            await workload.define(process)
            await workload.feed()
            durable_postgres.kill()
            await workload.feed()
            durable_postgres.start()
            await workload.feed()
            private_kafka.kill()
            private_kafka.start()
            await workload.feed()
            process.wait_ready()
            await workload.redefine(process)
            await workload.settled(process)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_killed_in_the_middle_of_announcing_a_large_segment(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A definition is announced in pieces while events for the same contacts arrive."""
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
            await workload.settled_on_topic()


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.asyncio
async def test_killed_while_a_campaign_freezes_and_sends(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Every subscribed member is requested exactly once, wherever a process is killed and whoever owns its slices."""
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
                    # From here on two processes share the slices, and each of them is killed.
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
                included = await all_included(client, path)
        rows = await workload.rig.database.pool.fetch(
            "SELECT contact_id, count(*) AS times FROM events WHERE topic = 'segmentation.messages' GROUP BY contact_id"
        )
        assert all(row["times"] == 1 for row in rows), "requested twice"
        assert len(rows) == counts["requested"]
        assert counts["requested"] + sum(counts["skipped"].values()) == counts["audience"]
        # Whether `CONTACTS` live in Gent depends on when the freeze was; all others are in the audience, each once.
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
