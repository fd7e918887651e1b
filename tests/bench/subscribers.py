"""An image of segmentation with many subscribed contacts, written as a snapshot: no record has to be sent or folded."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import asyncpg
from pyroaring import BitMap

from services.segmentation.consumers.slices import CONSUMER, VERSION
from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.column import Column
from services.segmentation.domain.slice import CONSENT
from services.segmentation.store.memberships import write_changes
from services.segmentation.store.snapshots import Reader, write_snapshot
from tests.bench.place import PARTITIONS

ATTRIBUTES = {"subscription": "subscribed", CONSENT: "granted"}


async def write_subscribers(dsn: str, account_id: int, zone: str, contacts: int) -> None:
    """Give an account contacts with the ids from 1 on, in the snapshots of a process that is not running.

    The process must have run once, while the topics were empty: a snapshot belongs to the checkpoints that it left.
    """
    reader, now = Reader(CONSUMER, VERSION, PARTITIONS), datetime.now(UTC)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        for partition in range(PARTITIONS):
            account = _slice(partition, account_id, zone, contacts, now)
            async with connection.transaction():
                await write_snapshot(connection, partition, reader, [account], now)
                await write_changes(connection, partition, [account])


def _slice(partition: int, account_id: int, zone: str, contacts: int, now: datetime) -> AccountSlice:
    first = (partition - account_id) % PARTITIONS
    place = ZoneInfo(zone)
    account = AccountSlice(account_id, place, zone, now.astimezone(place).date(), PARTITIONS, first)
    image = account.image
    image.known = BitMap(range(0 if first else 1, (contacts - first) // PARTITIONS + 1))
    image.changed.add(("known",))
    for name, value in ATTRIBUTES.items():
        column = image.attributes[name] = Column()
        column.put(dict.fromkeys(image.known, value))
        image.changed.add(("attribute", name))
    return account
