"""Binds a database to a new Kafka cluster, or to one that has lost its data.

The event tables are the truth, so every topic can be published again (`republish`), but its records then have other
offsets. This module moves the service's checkpoints to the new cluster: each to the first record above the sequence
that was applied. So nothing is applied twice, and unapplied records follow.
"""

import sys
from collections.abc import Collection, Mapping, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from shared.bus.connection import client_options
from shared.bus.record import Record
from shared.bus.sequences import sequence_of
from shared.bus.topics import cluster_id
from shared.events.topics import TOPICS
from shared.runtime.service import ServiceDefinition
from shared.settings import CommonSettings
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


async def adopt_cluster(service: ServiceDefinition, settings: CommonSettings) -> int:
    """Move the checkpoints of `service` to the cluster that answers now; return the exit code.

    The topics that the service reads must have been published again before. Intake topics start empty: reports that
    were not consumed are lost with the old cluster.
    """
    secret: SecretStr = getattr(settings, f"{service.name}_database")
    cluster = await cluster_id(settings)
    connection = await asyncpg.connect(secret.get_secret_value())
    try:
        bound = await QUERIES["bound_cluster"].fetchval(connection)
        if bound == cluster:
            sys.stderr.write(f"The database of {service.name} belongs to the cluster {cluster} already.\n")
            return 0
        rows = await QUERIES["checkpoints_of_cluster"].fetch(connection, cluster=bound)
        places = {
            (TopicPartition(settings.topic_prefix + row["topic"], row["partition"]), row["sequence"])
            for row in rows
            if TOPICS[row["topic"]].kind != "intake"
        }
        offsets = await _first_beyond(settings, places)
        async with connection.transaction():
            for row in rows:
                place = TopicPartition(settings.topic_prefix + row["topic"], row["partition"]), row["sequence"]
                is_converted = place in offsets
                await QUERIES["adopt_checkpoint"].execute(
                    connection, consumer=row["consumer"], version=row["version"], cluster=cluster, topic=row["topic"],
                    partition=row["partition"], next_offset=offsets.get(place, 0),
                    sequence=row["sequence"] if is_converted else 0,
                )  # fmt: skip
            await QUERIES["bind_to"].execute(connection, cluster=cluster)
    finally:
        await connection.close()
    sys.stderr.write(f"{service.name}: {len(rows)} checkpoints moved from the cluster {bound} to {cluster}\n")
    return 0


Place = tuple[TopicPartition, int]  # a partition, and the highest sequence applied from it


async def _first_beyond(settings: CommonSettings, places: Collection[Place]) -> dict[Place, int]:
    """Return, by place, the offset of the first record with a higher sequence, or the partition's end."""
    kafka = AIOKafkaConsumer(enable_auto_commit=False, isolation_level="read_committed", **client_options(settings))
    await kafka.start()
    try:
        partitions = {partition for partition, _ in places}
        kafka.assign(partitions)
        ends: Mapping[TopicPartition, int] = await kafka.end_offsets(list(partitions))
        await kafka.seek_to_beginning(*partitions)
        offsets: dict[Place, int] = {}
        while behind := [partition for partition in partitions if await kafka.position(partition) < ends[partition]]:
            for partition, records in (await kafka.getmany(*behind, timeout_ms=200)).items():
                waiting = [place for place in places if place[0] == partition and place not in offsets]
                _note_first_beyond(offsets, waiting, records)
    finally:
        await kafka.stop()
    return {place: offsets.get(place, ends[place[0]]) for place in places}


def _note_first_beyond(offsets: dict[Place, int], waiting: Collection[Place], records: Sequence[Record]) -> None:
    for record in records:
        sequence = sequence_of(dict(record.headers))
        for place in waiting:
            if sequence > place[1]:
                offsets.setdefault(place, record.offset)
