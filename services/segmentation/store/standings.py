"""What was announced of each segment in a slice, and the days that slices have come to."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import structlog
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice, Standing
from services.segmentation.domain.parts import Damaged, dump_bitmap, load_bitmap
from services.segmentation.store import QUERIES
from shared.events.segmentation import Reason

log = structlog.get_logger()

REASONS: Mapping[str, Reason] = {"pending_definition": "definition", "pending_time": "time"}


async def read_days(connection: PoolConnectionProxy, partition: int) -> dict[int, date]:
    """The day of every account's slice in the partition number."""
    return {row["account_id"]: row["day"] for row in await connection.fetch(QUERIES["slice_days"], partition)}


async def read_standings(
    connection: PoolConnectionProxy, partition: int, partitions: int
) -> dict[int, dict[UUID, Standing]]:
    """The standings in a partition number, by account: the bitmaps, and the events that came after them."""
    rows = await connection.fetch(QUERIES["standings"], partition)
    position: int = await connection.fetchval(QUERIES["member_position"], partition)
    found: dict[int, dict[UUID, Standing]] = {}
    try:
        for row in rows:
            found.setdefault(row["account_id"], {})[row["segment_id"]] = _standing(row)
    except Damaged:
        # The events are the truth; the bitmaps only save reading all of them.
        log.warning("bitmaps of members are damaged: read from the events", partition=partition)
        position = 0
        for row in rows:
            found.setdefault(row["account_id"], {})[row["segment_id"]] = _standing(row, with_members=False)
    for move in await connection.fetch(QUERIES["moves_after"], partition, position):
        standing = found.setdefault(move["account_id"], {}).setdefault(move["segment_id"], Standing(written=True))
        index = move["contact_id"] // partitions
        (standing.announced.add if move["enters"] else standing.announced.discard)(index)
        standing.saved = False
    return found


def _standing(row: Record, *, with_members: bool = True) -> Standing:
    standing = Standing(adopted=row["adopted"], written=True, saved=with_members)
    for column, reason in REASONS.items():
        if row[column] is not None:
            standing.pending[reason] = load_bitmap(row[column])
    if with_members and row["members"] is not None:
        standing.announced = load_bitmap(row["members"])
    return standing


def _dump(bitmap: BitMap | None) -> bytes | None:
    return None if bitmap is None else dump_bitmap(bitmap)


async def write_changes(connection: PoolConnectionProxy, partition: int, slices: Sequence[AccountSlice]) -> None:
    """Write days and pending announcements that changed, in the transaction of the events that go with them."""
    days = [account for account in slices if not account.day_written]
    if days:
        await connection.execute(
            QUERIES["write_slice_days"],
            partition,
            [account.account_id for account in days],
            [date.fromordinal(account.image.day) for account in days],
        )
        for account in days:
            account.day_written = True
    changed = [
        (account.account_id, segment_id, standing)
        for account in slices
        for segment_id, standing in account.standings.items()
        if not standing.written
    ]
    gone = [segment_id for _, segment_id, standing in changed if standing.over]
    kept = [(account_id, segment_id, standing) for account_id, segment_id, standing in changed if not standing.over]
    if kept:
        pending = [
            [_dump(standing.pending.get(reason)) for _, _, standing in kept]
            for reason in (REASONS["pending_definition"], REASONS["pending_time"])
        ]
        await connection.execute(
            QUERIES["write_standings"],
            partition,
            [account_id for account_id, _, _ in kept],
            [segment_id for _, segment_id, _ in kept],
            [standing.adopted for _, _, standing in kept],
            *pending,
        )
        for _, _, standing in kept:
            standing.written = True
    if gone:
        await connection.execute(QUERIES["delete_standings"], partition, gone)
        for account in slices:
            for segment_id in gone:
                account.standings.pop(segment_id, None)


async def write_members(connection: PoolConnectionProxy, partition: int, slices: Sequence[AccountSlice]) -> None:
    """Write the bitmaps of members that changed. No event may have been appended in this transaction."""
    changed = [
        (segment_id, standing)
        for account in slices
        for segment_id, standing in account.standings.items()
        if not standing.saved
    ]
    await connection.execute(
        QUERIES["write_members"],
        partition,
        [segment_id for segment_id, _ in changed],
        [dump_bitmap(standing.announced) for _, standing in changed],
    )
    await connection.execute(QUERIES["move_member_position"], partition)
    for _, standing in changed:
        standing.saved = True
