"""Two replicas of a service whose processes listen on the same address, as in containers, share the partitions."""

from functools import partial

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from shared.bus.connection import client_options
from shared.bus.topics import ensure_topics
from tests.bench.clicks import ClickWriter, clicks_of
from tests.faults.cast import LABELS
from tests.faults.checks import fetch
from tests.stack.ground import Ground
from tests.stack.waiting import until, until_equal

UUID_SUFFIX = 37  # Kafka makes a member's id of the name under which it joined, and a UUID

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
@pytest.mark.parametrize("named", [False, True])
async def test_two_replicas_share_the_partitions(ground: Ground, named: bool) -> None:
    await ensure_topics(ground.settings)
    replicas = [
        ground.service(
            "labeling",
            "worker",
            module="tests.faults.counting",
            PENCHANT_LABELING_PORT="0",
            **({"PENCHANT_INSTANCE": name} if named else {}),
        )
        for name in ("one", "two")
    ]
    for replica in replicas:
        replica.start(ready=False)
    await until(partial(_shared_out, ground), within=120)
    contacts = list(range(1, 101))
    await ClickWriter(ground.settings).write(clicks_of(contacts * 2, LABELS))
    await until_equal(partial(_counts, ground), dict.fromkeys(contacts, 2))
    assert all(replica.running for replica in replicas)
    members = await _members(ground)
    if named:
        assert {name.rpartition("@")[2] for name in members} == {"one", "two"}


async def _shared_out(ground: Ground) -> bool:
    shares = [len(share) for share in (await _members(ground)).values()]
    return sorted(shares) == [ground.partitions // 2] * 2


async def _members(ground: Ground) -> dict[str, set[int]]:
    """The partitions of each member of the consumer group, by the name under which it joined."""
    admin = AIOKafkaAdminClient(**client_options(ground.settings))
    await admin.start()
    try:
        group = f"{ground.prefix}penchant.labeling.counting.v1"
        try:
            [answer] = await admin.describe_consumer_groups([group])
        except KafkaError:  # nobody has joined yet
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


async def _counts(ground: Ground) -> dict[int, int]:
    rows = await fetch(ground.database("labeling"), "SELECT contact_id, sum(clicks) AS clicks FROM counts GROUP BY 1")
    return {row["contact_id"]: int(row["clicks"]) for row in rows}
