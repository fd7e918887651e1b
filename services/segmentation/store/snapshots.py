"""Snapshots of the image at a committed checkpoint."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg.pool import PoolConnectionProxy

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.snapshot_parts import dump_changed, write_name
from shared.bus.checkpoints import Checkpoint
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

LAYOUT = 4  # version of the layout of parts; another number invalidates older snapshots
# Kafka keeps tombstones for 30 days, so an image from an older snapshot could miss erasures.
MAX_AGE = timedelta(days=29)
PARTS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot: its checkpoint, the time zone of each account in it, and its parts by account."""

    offsets: Mapping[str, Checkpoint]
    zones: Mapping[int, str]
    parts: Sequence[tuple[int, str, bytes]]


@dataclass(frozen=True, slots=True)
class Reader:
    """The consumer to whose checkpoints a snapshot belongs."""

    consumer: str
    version: int
    partitions: int


async def read_snapshot(
    connection: PoolConnectionProxy, partition: int, reader: Reader, now: datetime
) -> Snapshot | None:
    """Return the snapshot of a partition number; None if there is none that can be used.

    A snapshot cannot be used if it is too old, or was made for another version of the consumer, another Kafka cluster,
    another number of partitions or another layout.
    """
    row = await QUERIES["snapshot"].fetchrow(connection, partition=partition)
    made_for, _ = await _checkpoints(connection, partition, reader)
    if row is None or row["made_for"] != made_for or row["taken_at"] < now - MAX_AGE:
        return None
    parts = await QUERIES["snapshot_parts"].fetch(connection, partition=partition)
    return Snapshot(
        offsets={topic: Checkpoint(*checkpoint) for topic, checkpoint in json.loads(row["offsets"]).items()},
        zones={int(account_id): zone for account_id, zone in json.loads(row["zones"]).items()},
        parts=[(part["account_id"], part["part"], part["body"]) for part in parts],
    )


async def write_snapshot(
    connection: PoolConnectionProxy, partition: int, reader: Reader, slices: Sequence[AccountSlice], now: datetime
) -> int:
    """Write the changed parts, as of the checkpoints in the database; return their size in bytes."""
    made_for, offsets = await _checkpoints(connection, partition, reader)
    written = 0
    for account in slices:
        parts = dump_changed(account.image)
        names = list(parts)
        for start in range(0, len(names), PARTS_PER_STATEMENT):
            batch = names[start : start + PARTS_PER_STATEMENT]
            bodies = [parts[name] for name in batch]
            await QUERIES["write_snapshot_parts"].execute(
                connection,
                partition=partition,
                account_id=account.account_id,
                parts=[write_name(name) for name in batch],
                bodies=bodies,
            )
            written += sum(map(len, bodies))
        account.image.changed.clear()
    zones = {account.account_id: account.zone_name for account in slices}
    await QUERIES["write_snapshot"].execute(
        connection,
        partition=partition,
        made_for=made_for,
        offsets=json.dumps(offsets),
        zones=json.dumps(zones),
        taken_at=now,
    )
    return written


async def read_held(connection: PoolConnectionProxy, partition: int, reader: Reader) -> frozenset[tuple[str, int]]:
    """Return held records (topic, offset) below the checkpoint, which were not applied."""
    rows = await QUERIES["held_records"].fetch(connection, consumer=reader.consumer, partition=partition)
    return frozenset((row["topic"], row["record_offset"]) for row in rows)


async def forget_snapshot(connection: PoolConnectionProxy, partition: int) -> None:
    """Delete the snapshot of a partition number."""
    await QUERIES["forget_snapshot"].execute(connection, partition=partition)
    await QUERIES["forget_snapshot_parts"].execute(connection, partition=partition)


async def _checkpoints(
    connection: PoolConnectionProxy, partition: int, reader: Reader
) -> tuple[str, dict[str, tuple[int, int]]]:
    rows = await QUERIES["checkpoints_of"].fetch(
        connection, consumer=reader.consumer, version=reader.version, partition=partition
    )
    cluster = rows[0]["cluster_id"] if rows else ""
    made_for = f"{reader.consumer} {reader.version} {cluster} {reader.partitions} {LAYOUT}"
    return made_for, {row["topic"]: (row["next_offset"], row["sequence"]) for row in rows}
