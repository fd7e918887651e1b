"""A service refuses servers that do not match: it logs the reason, exits with code 78 and overwrites nothing."""

import asyncio

import pytest

from shared.bus.topics import ensure_topics
from tests.bench.clicks import ClickWriter, clicks_of
from tests.faults.cast import LABELS
from tests.faults.checks import fetch
from tests.stack.databases import execute
from tests.stack.nodes import KafkaNode
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.topics import read_topic, topics_there
from tests.stack.waiting import until_equal

REFUSED = 78
COUNTED = "SELECT coalesce(sum(clicks), 0)::integer AS clicks FROM counts"
UNPUBLISHED = """
SELECT count(*)::integer FROM events JOIN publications USING (partition)
WHERE events.position > publications.position
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


def counting(sandbox: Sandbox, **environment: str) -> ServiceProcess:
    return sandbox.service("labeling", "worker", module="tests.faults.counting", **environment)


async def _counted(sandbox: Sandbox) -> int:
    return int((await fetch(sandbox.database("labeling"), COUNTED))[0][0])


async def _unpublished(sandbox: Sandbox) -> int:
    return int((await fetch(sandbox.database("labeling"), UNPUBLISHED))[0][0])


async def _count_and_stop(sandbox: Sandbox, clicks: int) -> None:
    """Run the service until it has counted `clicks` clicks and published its events, then stop it."""
    await ensure_topics(sandbox.settings)
    worker = counting(sandbox)
    await asyncio.to_thread(worker.start)
    await ClickWriter(sandbox.settings).write(clicks_of(range(1, clicks + 1), LABELS))
    await until_equal(lambda: _counted(sandbox), clicks)
    await until_equal(lambda: _unpublished(sandbox), 0)
    assert await asyncio.to_thread(worker.terminate) == 0


async def _check_refusal(process: ServiceProcess, *words: str) -> None:
    process.start(ready=False)
    assert await asyncio.to_thread(process.wait, 60) == REFUSED, process.tail()
    logged = process.tail()
    assert all(word in logged for word in words), logged


async def _topic_count(sandbox: Sandbox) -> int:
    return len(await topics_there(sandbox.settings))


@pytest.mark.asyncio
async def test_a_changed_number_of_partitions_is_refused(sandbox: Sandbox) -> None:
    await _count_and_stop(sandbox, 20)
    for number in (sandbox.partitions * 2, sandbox.partitions - 1):
        await _check_refusal(counting(sandbox, PENCHANT_PARTITIONS=str(number)), "partitions", "PENCHANT_PARTITIONS")


@pytest.mark.asyncio
async def test_an_emptied_kafka_is_refused_and_republish_restores_the_records(
    sandbox: Sandbox, private_kafka: KafkaNode
) -> None:
    await _count_and_stop(sandbox, 20)
    before = await read_topic(sandbox.settings, "labeling.labels")
    private_kafka.delete_topics(sandbox.prefix)
    await until_equal(lambda: _topic_count(sandbox), 0)
    await _check_refusal(counting(sandbox), "has lost them", "republish")
    assert await read_topic(sandbox.settings, "labeling.labels") == []
    again = sandbox.service("labeling", module="tests.faults.counting")
    again.arguments = ["republish", "labeling.labels"]
    again.start(ready=False)
    assert await asyncio.to_thread(again.wait, 60) == 0, again.tail()
    after = await read_topic(sandbox.settings, "labeling.labels")
    assert [(record.key, record.value, record.headers) for record in after] == [
        (record.key, record.value, record.headers) for record in before
    ]


@pytest.mark.asyncio
async def test_a_database_restored_from_an_older_backup_is_refused(sandbox: Sandbox) -> None:
    await _count_and_stop(sandbox, 20)
    dsn = sandbox.database("labeling")
    server, _, name = dsn.rpartition("/")
    execute(f"{server}/postgres", f'CREATE DATABASE "{name}_backup" TEMPLATE "{name}"')
    try:
        worker = counting(sandbox)
        await asyncio.to_thread(worker.start)
        writer = ClickWriter(sandbox.settings)
        writer.sequence = 1_000
        await writer.write(clicks_of(range(101, 121), LABELS))
        await until_equal(lambda: _counted(sandbox), 40)
        await until_equal(lambda: _unpublished(sandbox), 0)
        worker.terminate()
        on_topic = len(await read_topic(sandbox.settings, "labeling.labels"))
        await _check_refusal(
            counting(sandbox, PENCHANT_LABELING_DATABASE=f"{dsn}_backup"), "ahead of the event table", "older backup"
        )
        assert len(await read_topic(sandbox.settings, "labeling.labels")) == on_topic
        assert (await fetch(f"{dsn}_backup", COUNTED))[0][0] == 20
    finally:
        execute(f"{server}/postgres", f'DROP DATABASE "{name}_backup" WITH (FORCE)')
