"""Checks, before a service starts, that its Kafka and its database still belong together."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.connection import client_options
from shared.bus.sequences import is_forged, sequence_of
from shared.bus.topics import cluster_id, partition_count
from shared.events.topics import CATALOG_PARTITION, owned_by
from shared.settings import CommonSettings
from shared.store.database import Database
from shared.store.errors import UnsafeToRun
from shared.store.queries import queries_of

log = structlog.get_logger()

QUERIES = queries_of(__file__)

LOOK_BACK = 64  # offsets; transaction markers and compaction may leave no record among them
READ_WITHIN = 20.0  # seconds


async def check_cluster(service: str, settings: CommonSettings, database: Database) -> str:
    """Bind the database to the cluster at the first start, and compare them at every later start; return the cluster's
    id.

    Raises:
        UnsafeToRun: the database belongs to another cluster or was created for another number of partitions, topics are
            ahead of the event table (a database restored from an older backup), or all topics are empty although events
            were published.
    """
    cluster = await cluster_id(settings)
    async with database.transaction() as connection:
        row = await QUERIES["bind_cluster"].fetchrow(connection, cluster_id=cluster, partitions=settings.partitions)
        await QUERIES["begin_publications"].execute(connection, partitions=settings.partitions)
    assert row is not None
    if row["cluster_id"] != cluster:
        raise UnsafeToRun(
            f"the database of {service} belongs to the Kafka cluster {row['cluster_id']}, but this is {cluster}: "
            "point PENCHANT_KAFKA at the cluster it belongs to; if that has lost its data, "
            "`penchant recover-kafka` writes all topics to this one"
        )
    if row["partitions"] != settings.partitions:
        raise UnsafeToRun(
            f"PENCHANT_PARTITIONS is {settings.partitions}, but the database was created for {row['partitions']}"
        )
    await _check_topics(service, settings, database)
    return cluster


async def _check_topics(service: str, settings: CommonSettings, database: Database) -> None:
    published = {row["partition"]: row["position"] for row in await QUERIES["publications"].fetch(database.pool)}
    kafka = AIOKafkaConsumer(enable_auto_commit=False, auto_offset_reset="none", **client_options(settings))
    await kafka.start()
    try:
        partitions = [
            TopicPartition(settings.topic_prefix + topic.name, number)
            for topic in owned_by(service)
            for number in range(partition_count(topic, settings))
        ]
        kafka.assign(partitions)
        ends: Mapping[TopicPartition, int] = await kafka.end_offsets(partitions)
        if any(published.values()) and not any(ends.values()):
            raise UnsafeToRun(
                f"{service} has published events, but its topics are empty: Kafka has lost them. "
                f"`penchant republish {service}` writes them again from the event table"
            )
        newest: int = max([row["position"] for row in await QUERIES["last_positions"].fetch(database.pool)], default=0)
        last = await _last_sequences(kafka, ends, newest)
        # Read after the topics: other processes of the service are running, and append events before they publish them.
        written = {row["partition"]: row["position"] for row in await QUERIES["last_positions"].fetch(database.pool)}
        for partition, sequence in last.items():
            catalog = partition.topic[len(settings.topic_prefix) :].endswith((".catalog", ".keys"))
            number = CATALOG_PARTITION if catalog else partition.partition
            if sequence > written.get(number, 0):
                raise UnsafeToRun(
                    f"{partition.topic} [{partition.partition}] is ahead of the event table of {service} "
                    f"({sequence} against {written.get(number, 0)}): was the database restored from an older backup? "
                    "Restore a newer one, or start with new topics"
                )
    finally:
        await kafka.stop()


async def _last_sequences(
    kafka: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], newest: int
) -> Mapping[TopicPartition, int]:
    """Return the sequence of the last record of each partition that has one. Forged ones are logged and skipped."""
    beginnings: Mapping[TopicPartition, int] = await kafka.beginning_offsets(list(ends))
    remaining = {partition for partition, end in ends.items() if end > beginnings[partition]}
    sequences: dict[TopicPartition, int] = {}
    look_back = LOOK_BACK
    while remaining:
        starts = {partition: max(beginnings[partition], ends[partition] - look_back) for partition in remaining}
        sequences |= await _highest(kafka, starts, ends, newest)
        remaining = {
            partition for partition in remaining - sequences.keys() if starts[partition] > beginnings[partition]
        }
        look_back *= 16
    return sequences


async def _highest(
    kafka: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], newest: int
) -> dict[TopicPartition, int]:
    """Return the highest sequence of each partition that has a record between its start and its end."""
    sequences: dict[TopicPartition, int] = {}
    partitions: Sequence[TopicPartition] = list(starts)
    for partition, start in starts.items():
        kafka.seek(partition, start)
    async with asyncio.timeout(READ_WITHIN):
        while partitions:
            for partition, records in (await kafka.getmany(*partitions, timeout_ms=200)).items():
                received = [sequence_of(dict(record.headers)) for record in records]
                if any(is_forged(sequence, newest) for sequence in received):
                    log.error(
                        "a record was not written by the topic's owner", topic=partition.topic,
                        partition=partition.partition,
                    )  # fmt: skip
                accepted = [sequence for sequence in received if not is_forged(sequence, newest)]
                if accepted:
                    sequences[partition] = max(sequences.get(partition, 0), *accepted)
            partitions = [partition for partition in partitions if await kafka.position(partition) < ends[partition]]
    return sequences
