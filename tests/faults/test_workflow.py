"""Workflow is killed, paused, run twice and reads its topics again; each run takes each step once.

After each fault the number of runs equals an independent count of the triggering events, every run has taken every step
of its path once, and the topic has every key of a `MessageRequested` once, without records at or below the highest
sequence seen.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.workflow.app import SERVICE
from services.workflow.consumers.handler import TOPICS
from shared.events.codec import decode
from shared.events.envelope import ContactEvent
from shared.events.labeling import LabelAssigned
from shared.events.tracking import ContactClicked
from tests.conftest import TestKafka
from tests.faults.dice import new_dice
from tests.faults.folded import facts_of_topics, stored_facts
from tests.services.workflow.events import CATS, GUIDE, OFFER, assigned, changed, clicked, engaged
from tests.services.workflow.rig import PARTITIONS, Rig, make_rig
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.processes import ServiceProcess
from tests.stack.topics import members_of_groups
from tests.stack.waiting import until

CONTACTS = range(1, 61)
NEWER = 99  # a projection that no release uses
SETTLED_WITHIN = 90.0  # seconds
SESSION_TIMEOUT = 6.0  # seconds; the shortest that a broker accepts

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
LABEL = {"id": "cats", "assign_label": {"label": str(CATS)}}
ON_CLICK = {"on": "ContactClicked"}

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (SERVICE.migrations,)


class Workload:
    """Processes of workflow, a stream of events, and the expected runs."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.folder = folder
        self.dice = new_dice()
        self.written: list[tuple[ContactEvent, int]] = []
        self.triggers: Counter[str] = Counter()
        self.waiting: dict[str, Any] = {}
        self.answering: dict[str, Any] = {}

    async def define(self, until_moment: datetime) -> None:
        """Create a workflow that waits until a point in time, and one that waits for a form."""
        wait = {"id": "wait", "wait": {"until": until_moment.isoformat()}}
        offer = {"id": "offer", "send": {"message": str(OFFER)}}
        self.waiting = await self.rig.workflow(SEND, wait, offer, LABEL, reentry="every_time")
        answer = {
            "id": "answer",
            "wait_for": {
                "any": [{"on": "ContactEngaged", "kind": "form.submitted"}],
                "at_most": {"minutes": 1},
                "then": [LABEL],
                "else": [{"id": "late", "send": {"message": str(OFFER)}}],
            },
        }
        self.answering = await self.rig.workflow(SEND, answer, triggers=[ON_CLICK], reentry="every_time")
        await self.rig.publish(*map(changed, CONTACTS))

    @contextmanager
    def process(self, name: str, **environment: str) -> Iterator[ServiceProcess]:
        settings = self.rig.settings
        process = ServiceProcess(
            "services.workflow",
            {
                "PENCHANT_KAFKA": settings.kafka,
                "PENCHANT_TOPIC_PREFIX": settings.topic_prefix,
                "PENCHANT_PARTITIONS": str(PARTITIONS),
                "PENCHANT_KAFKA_SESSION_TIMEOUT": str(int(SESSION_TIMEOUT)),
                "PENCHANT_WORKFLOW_DATABASE": settings.workflow_database.get_secret_value(),
                **environment,
            },
            self.folder / f"{name}.log",
            "PENCHANT_WORKFLOW_PORT",
            forked=True,
        )
        try:
            yield process
        finally:
            if process.running:
                process.resume()
            process.end()

    async def feed(self, number: int = 200) -> None:
        """Publish new events, and some old ones again, as a relay may do."""
        for _ in range(number):
            contact = self.dice.choice(CONTACTS)
            kind = self.dice.randrange(10)
            event: ContactEvent
            if kind < 4:
                event = assigned(contact=contact)
            elif kind < 8:
                event = clicked(contact)
            else:
                event = engaged(contact=contact)
            self.triggers[event.name] += 1
            self.written.append((event, self.rig.next_sequence(event.topic)))
        again = self.dice.sample(self.written[:-number], min(20, len(self.written) - number))
        for event, sequence in [*self.written[-number:], *again]:
            await self.rig.send(event, sequence, {})
        await self.rig.producer.flush()

    async def answer(self) -> None:
        """Submit the form for every contact, so that no run waits a minute for its deadline."""
        await self.rig.publish(*(engaged(contact=contact) for contact in CONTACTS))

    async def runs(self) -> dict[str, int]:
        rows = await self.rig.database.pool.fetch("SELECT workflow_id, count(*) AS runs FROM runs GROUP BY 1")
        return {str(row["workflow_id"]): row["runs"] for row in rows}

    async def has_started(self, number: int) -> bool:
        return sum((await self.runs()).values()) >= number

    def expected(self) -> dict[str, int]:
        return {
            self.waiting["id"]: self.triggers[LabelAssigned.name],
            self.answering["id"]: self.triggers[ContactClicked.name],
        }

    async def all_finished(self) -> bool:
        running = await self.rig.database.pool.fetchval("SELECT count(*) FROM runs WHERE state = 'running'")
        return running == 0 and await self.runs() == self.expected()

    async def check_runs(self) -> None:
        """Wait until every run has ended, and check the steps that it took."""
        await until(self.all_finished, SETTLED_WITHIN)
        rows = await self.rig.database.pool.fetch(
            """
            SELECT r.run_id, r.workflow_id, r.state, array_agg(s.step_id ORDER BY s.number) AS steps
            FROM runs r JOIN run_steps s USING (run_id) GROUP BY 1, 2, 3
            """
        )
        ways = {
            self.waiting["id"]: [["guide", "wait", "offer", "cats"]],
            self.answering["id"]: [["guide", "answer", "cats"], ["guide", "answer", "late"]],
        }
        assert {row["state"] for row in rows} == {"finished"}
        assert all(row["steps"] in ways[str(row["workflow_id"])] for row in rows)
        expected = Counter(
            f"{row['run_id']}:{step}" for row in rows for step in row["steps"] if step in ("guide", "offer", "late")
        )
        assert await until(partial(self.all_requested, expected), SETTLED_WITHIN)

    async def all_requested(self, expected: Counter[str]) -> bool:
        keys: Counter[str] = Counter()
        highest: dict[int, int] = {}
        for record in await self.rig.records("workflow.messages"):
            request = decode("workflow.messages", record.key, record.value, dict(record.headers))
            assert request.sequence is not None
            if request.sequence > highest.get(record.partition, 0):
                highest[record.partition] = request.sequence
                keys[request.event.idempotency_key] += 1
        assert all(times == 1 for times in keys.values()), "a message was requested twice"
        return keys == expected


@asynccontextmanager
async def workload_on(bootstrap: str, dsn: str, prefix: str, folder: Path) -> AsyncIterator[Workload]:
    async with make_rig(bootstrap, dsn, prefix) as rig:
        yield Workload(rig, folder)


async def _has_one_member(workload: Workload) -> bool:
    """Return whether only one process is left in each consumer group."""
    return set((await members_of_groups(workload.rig.settings, "workflow")).values()) == {1}


def seconds_from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.asyncio
async def test_steps_are_taken_once_after_kills_with_timers_due_during_downtime(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        due = seconds_from_now(20)
        await workload.define(due)
        with workload.process("one", PENCHANT_KAFKA_SESSION_TIMEOUT="45") as process:
            for _ in range(6):
                before = sum((await workload.runs()).values())
                await workload.feed()
                process.start(ready=False)
                # In the middle of the load, at a different run each time.
                await until(partial(workload.has_started, before + workload.dice.randrange(1, 120)), SETTLED_WITHIN)
                process.kill()
            await workload.feed()
            await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            for _ in range(3):
                process.start(ready=False)
                await asyncio.sleep(workload.dice.random() * 4)
                process.kill()
            process.start()
            await workload.check_runs()


@pytest.mark.asyncio
async def test_steps_are_taken_once_when_one_worker_is_killed_and_one_paused(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        await workload.define(seconds_from_now(30))
        with workload.process("one") as one, workload.process("two") as two:
            one.start()
            two.start()
            await workload.feed()
            two.kill()
            await workload.feed()
            await until(partial(workload.has_started, sum(workload.expected().values())), SETTLED_WITHIN)
            two.start()
            await workload.feed()
            # Paused for longer than the group's session timeout, the process loses its partitions without noticing.
            one.pause()
            await workload.feed()
            await until(partial(_has_one_member, workload))
            await until(partial(workload.has_started, sum(workload.expected().values())), SETTLED_WITHIN)
            one.resume()
            await workload.feed()
            await workload.answer()
            await workload.check_runs()


async def has_facts(rig: Rig, projection: int) -> bool:
    return bool(await stored_facts(rig, projection))


async def has_caught_up(rig: Rig, projection: int) -> bool:
    """Return whether this projection has applied every topic to its end."""
    query = "SELECT topic, partition, sequence FROM checkpoints WHERE consumer = 'workflow' AND version = $1"
    rows = await rig.database.pool.fetch(query, projection)
    applied = {(row["topic"], row["partition"]): row["sequence"] for row in rows}
    return all(
        applied.get((topic, partition), 0) >= sequence
        for (topic, partition), sequence in rig.sent.items()
        if topic in TOPICS
    )


@pytest.mark.asyncio
async def test_a_new_projection_requests_no_message_again(
    kafka: TestKafka, migrated_dsn: str, topic_prefix: str, tmp_path: Path
) -> None:
    async with workload_on(kafka.bootstrap, migrated_dsn, topic_prefix, tmp_path) as workload:
        await workload.define(seconds_from_now(5))
        with workload.process("one") as process:
            process.start()
            await workload.feed()
            await workload.answer()
            await workload.check_runs()
        # A new projection of the facts reads from the beginning; it is killed in the middle.
        with workload.process("two", PENCHANT_WORKFLOW_PROJECTION=str(NEWER)) as process:
            process.start(ready=False)
            await workload.feed()
            await until(partial(has_facts, workload.rig, NEWER), SETTLED_WITHIN)
            process.kill()
            process.start()
            await workload.answer()
            await workload.check_runs()
        await until(partial(has_caught_up, workload.rig, NEWER), SETTLED_WITHIN)
        assert await stored_facts(workload.rig, NEWER) == await facts_of_topics(workload.rig)


@pytest.mark.asyncio
async def test_steps_are_taken_once_after_kafka_and_postgresql_are_stopped(
    private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path: Path
) -> None:
    dsn = private_postgres.create_migrated("workflow_faults", SERVICE.migrations)
    async with workload_on(private_kafka.bootstrap, dsn, "workflowgone.", tmp_path) as workload:
        await workload.define(seconds_from_now(20))
        with workload.process("one") as process:
            process.start()
            await workload.feed()
            private_postgres.stop()
            await workload.feed()
            private_postgres.start()
            await workload.feed()
            private_kafka.stop()
            private_kafka.start()
            await workload.feed()
            process.wait_ready()
            await workload.answer()
            await workload.check_runs()
