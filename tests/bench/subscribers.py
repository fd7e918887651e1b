"""An image of segmentation with many subscribed contacts, written as a snapshot: no records are sent or folded."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from pyroaring import BitMap

from services.segmentation.consumers.slices import CONSUMER, VERSION
from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.column import Column
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.slice import CONSENT, EPOCH, Slice
from services.segmentation.store.memberships import write_changes
from services.segmentation.store.snapshots import Reader, write_snapshot
from tests.bench.place import PARTITIONS

DAYS_HELD = 90
ATTRIBUTES = {"subscription": "subscribed", CONSENT: "granted"}


async def write_subscribers(dsn: str, account_id: int, zone: str, contacts: int, labels: Sequence[UUID] = ()) -> None:
    """Write contacts of an account, with ids from 1 on, into the snapshots of a process that is not running.

    Half of them hold each of the labels, as in `large_account`. The process must have run once while the topics were
    empty, because a snapshot belongs to the process's checkpoints.
    """
    reader, now = Reader(CONSUMER, VERSION, PARTITIONS), datetime.now(UTC)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        for partition in range(PARTITIONS):
            account = _slice(partition, account_id, zone, contacts, now)
            _assign_labels(account.image, labels)
            async with connection.transaction():
                await write_snapshot(connection, partition, reader, [account], now)
                await write_changes(connection, partition, [account])


def _assign_labels(image: Slice, labels: Sequence[UUID]) -> None:
    for position, label_id in enumerate(labels, 1):
        held = image.labels[label_id.int] = Ordered()
        numbers = ((index, index * PARTITIONS + image.first_contact) for index in image.known)
        held.put({index: image.day - EPOCH - DAYS_HELD for index, number in numbers if (number + position) % 4 < 2})
        image.changed.add(("label", label_id.int))


def _slice(partition: int, account_id: int, zone: str, contacts: int, now: datetime) -> AccountSlice:
    first = (partition - account_id) % PARTITIONS
    time_zone = ZoneInfo(zone)
    account = AccountSlice(account_id, time_zone, zone, now.astimezone(time_zone).date(), PARTITIONS, first)
    image = account.image
    image.known = BitMap(range(0 if first else 1, (contacts - first) // PARTITIONS + 1))
    image.changed.add(("known",))
    for name, value in ATTRIBUTES.items():
        column = image.attributes[name] = Column()
        column.put(dict.fromkeys(image.known, value))
        image.changed.add(("attribute", name))
    return account
