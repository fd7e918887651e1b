"""Two replicas of a service whose processes listen on the same address, as in containers, share the partitions."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from shared.bus.connection import client_options
from shared.bus.topics import ensure_topics
from tests.bench.clicks import ClickWriter, clicks_of
from tests.conftest import TestKafka, TestPostgres
from tests.faults.cast import LABELS
from tests.faults.checks import fetch
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.waiting import until_equal

UUID_SUFFIX = 37  # a member id is the name under which the process joined, a hyphen and a UUID

SHARED_WITHIN = 90.0  # seconds

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]


@pytest.fixture
def sandbox(kafka: TestKafka, postgres: TestPostgres, tmp_path: Path) -> Iterator[Sandbox]:
    """Provide topics and a database."""
    made = Sandbox(kafka, postgres, tmp_path, kafka_session_timeout="6")
    yield made
    made.clear()


@pytest.mark.asyncio
async def test_two_replicas_share_the_partitions(sandbox: Sandbox) -> None:
    """If addresses identified processes, the replicas would fence each other, and be one member of the group."""
    await ensure_topics(sandbox.settings)
    replicas = [
        sandbox.service(
            "labeling", "worker", module="tests.faults.counting", PENCHANT_LABELING_PORT="0", PENCHANT_INSTANCE=name
        )
        for name in ("one", "two")
    ]
    for replica in replicas:
        replica.start(ready=False)
    await until_equal(partial(_shares, sandbox), {"one": 2, "two": 2}, SHARED_WITHIN, explain=partial(_logs, replicas))
    contacts = list(range(1, 101))
    writer = ClickWriter(sandbox.settings)
    await writer.write(clicks_of(contacts * 2, LABELS))
    await until_equal(partial(_counts, sandbox), dict.fromkeys(contacts, 2), explain=partial(_logs, replicas))
    assert all(replica.running for replica in replicas)
    replicas[0].kill()
    await writer.write(clicks_of(contacts, LABELS))
    await until_equal(partial(_counts, sandbox), dict.fromkeys(contacts, 3), explain=partial(_logs, replicas))


async def _logs(replicas: Sequence[ServiceProcess]) -> str:
    return "\n".join(f"{replica.log.name}: running {replica.running}\n{replica.tail()}" for replica in replicas)


async def _shares(sandbox: Sandbox) -> dict[str, int]:
    """Return the number of partitions of each process, by the process's name."""
    return {name.rpartition("@")[2]: len(share) for name, share in (await _members(sandbox)).items()}


async def _members(sandbox: Sandbox) -> dict[str, set[int]]:
    """Return the partitions of each member of the consumer group, by the name under which it joined."""
    admin = AIOKafkaAdminClient(**client_options(sandbox.settings))
    await admin.start()
    try:
        group = f"{sandbox.prefix}penchant.labeling.counting.v1"
        try:
            [answer] = await admin.describe_consumer_groups([group])
        except KafkaError:  # no process has joined yet
            return {}
        rows = answer.to_object()["groups"][0]["members"]
        found: dict[str, set[int]] = {}
        for row in rows:
            found[row["member_id"][:-UUID_SUFFIX]] = _partitions(row["member_assignment"])
        return found
    finally:
        await admin.close()


def _partitions(assignment: bytes) -> set[int]:
    if not assignment:  # the group is still being balanced
        return set()
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return {partition for _, partitions in decoded.assignment for partition in partitions}


async def _counts(sandbox: Sandbox) -> dict[int, int]:
    rows = await fetch(sandbox.database("labeling"), "SELECT contact_id, sum(clicks) AS clicks FROM counts GROUP BY 1")
    return {row["contact_id"]: int(row["clicks"]) for row in rows}
