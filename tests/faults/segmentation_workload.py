"""Processes of segmentation under faults, the events that they read, and the expected members."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from shared.criteria import Criterion, inline_segments, parse
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactEngaged, ContactState, LabelAssigned, LabelRemoved
from shared.events.parts import Origin
from tests.faults.dice import new_dice
from tests.services.segmentation.rig import ACCOUNT, CATS, DOGS, PARTITIONS, Rig, clicked, contact, make_rig
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
    """Processes of segmentation, a stream of events, and the expected members."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.folder = folder
        self.dice = new_dice()
        self.segments: dict[str, Criterion] = {}
        self.processes: list[ServiceProcess] = []
        rig.clock.now = datetime.now(UTC)

    @contextmanager
    def process(self, name: str) -> Iterator[ServiceProcess]:
        """Provide a process that saves snapshots continuously, so that some faults occur while it saves one."""
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

    async def wait_for_members_on_topic(self) -> dict[str, set[int]]:
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
        """Return the state of the database and the processes, for the message of a failed test."""
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
                health = (await client.get(f"{process.url}/health/ready")).text if process.running else "not running"
                found.append(f"{process.log.name}: {health}\n{process.tail()}")
        return "\n".join(found)

    async def wait_for_members(self, process: ServiceProcess) -> None:
        """Wait until the topic and the API have the expected members."""
        expected = await self.wait_for_members_on_topic()
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
