"""A service refuses to start if Kafka and its database do not match."""

from uuid import uuid4

import pytest

from shared.bus.guard import check_cluster
from shared.bus.topics import ensure_topics
from shared.events.topics import partition_of
from shared.settings import CommonSettings
from shared.store.errors import UnsafeToRun
from tests.shared.bus.rig import PARTITIONS, Counting, Rig, assigned, clicked
from tests.stack.waiting import until


@pytest.mark.asyncio
async def test_refuses_topics_with_another_number_of_partitions(rig: Rig) -> None:
    settings = rig.settings.model_copy(update={"partitions": PARTITIONS + 1})
    with pytest.raises(UnsafeToRun, match="has 4 partitions, but PENCHANT_PARTITIONS is 5"):
        await ensure_topics(settings)


@pytest.mark.asyncio
async def test_refuses_a_database_made_for_another_number_of_partitions(rig: Rig) -> None:
    settings = rig.settings.model_copy(update={"partitions": PARTITIONS + 1})
    with pytest.raises(UnsafeToRun, match="but the database was created for 4"):
        await check_cluster("labeling", settings, rig.database)


@pytest.mark.asyncio
async def test_refuses_a_database_that_belongs_to_another_cluster(rig: Rig) -> None:
    await rig.database.pool.execute("UPDATE bound_cluster SET cluster_id = 'another'")
    with pytest.raises(UnsafeToRun, match="belongs to the Kafka cluster another"):
        await check_cluster("labeling", rig.settings, rig.database)


@pytest.mark.asyncio
async def test_refuses_a_kafka_that_lost_the_published_events(rig: Rig) -> None:
    async with rig.relay():
        await rig.append([1, 2, 3])
        await until(lambda: rig.all_published())
    empty = CommonSettings(**rig.settings.model_dump() | {"topic_prefix": rig.settings.topic_prefix + "new."})
    await ensure_topics(empty)
    with pytest.raises(UnsafeToRun, match="Kafka has lost them"):
        await check_cluster("labeling", empty, rig.database)


@pytest.mark.asyncio
async def test_refuses_a_database_restored_from_an_older_backup(rig: Rig) -> None:
    async with rig.relay():
        await rig.append([4, 8])
        await until(lambda: rig.all_published())
    await check_cluster("labeling", rig.settings, rig.database)
    number = partition_of(1, 8, PARTITIONS)
    await rig.database.pool.execute(
        "DELETE FROM events WHERE partition = $1 AND position = (SELECT max(position) FROM events)", number
    )
    with pytest.raises(UnsafeToRun, match="is ahead of the event table"):
        await check_cluster("labeling", rig.settings, rig.database)


@pytest.mark.asyncio
async def test_a_worker_fails_if_kafka_lacks_the_offsets_of_its_checkpoints(rig: Rig) -> None:
    await rig.publish([clicked(contact) for contact in range(1, 9)])
    async with rig.worker(Counting()):
        await until(lambda: rig.has_counted(8))
    await rig.database.pool.execute("UPDATE checkpoints SET next_offset = next_offset + 100")
    async with rig.worker(Counting()) as host:
        with pytest.raises(UnsafeToRun, match="records were lost, or this is a different Kafka"):
            await host.failure
    assert await rig.has_counted(8)


@pytest.mark.asyncio
async def test_accepts_events_that_are_not_published_yet(rig: Rig) -> None:
    """Unpublished events are normal after a crash."""
    async with rig.relay():
        await rig.append([4])
        await until(lambda: rig.all_published())
    async with rig.database.unit_of_work(partition_of(1, 4, PARTITIONS)) as work:
        work.append(assigned(4, uuid4()))
    assert await check_cluster("labeling", rig.settings, rig.database) == rig.cluster


@pytest.mark.asyncio
async def test_accepts_a_forged_sequence(rig: Rig) -> None:
    """A client that can write to a topic must not be able to prevent its owner from starting."""
    async with rig.relay():
        await rig.append([4])
        await until(lambda: rig.all_published())
    await rig.publish([assigned(4, uuid4())], sequence=2**62)
    assert await check_cluster("labeling", rig.settings, rig.database) == rig.cluster
