"""The announced members of segments in a slice, and the days of slices."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import structlog
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice, Membership
from services.segmentation.domain.snapshot_parts import Damaged, dump_bitmap, load_bitmap
from services.segmentation.store.segment_days import forget_segments, write_ended_days
from shared.events.segmentation import Reason
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
log = structlog.get_logger()


class UnknownEventVersion(Exception):
    """An event was written by a later version of the program and cannot be read."""


REASONS: Mapping[str, Reason] = {"pending_definition": "definition", "pending_time": "time"}


async def read_days(connection: PoolConnectionProxy, partition: int) -> dict[int, date]:
    """Return the day of every account's slice in the partition number."""
    rows = await QUERIES["slice_days"].fetch(connection, partition=partition)
    return {row["account_id"]: row["day"] for row in rows}


async def read_memberships(
    connection: PoolConnectionProxy, partition: int, partitions: int
) -> dict[int, dict[UUID, Membership]]:
    """Return the memberships in a partition number by account and segment: stored bitmaps with later events applied.

    Raises UnknownEventVersion if an event has an unknown version.
    """
    rows = await QUERIES["memberships"].fetch(connection, partition=partition)
    position: int = await QUERIES["member_position"].fetchval(connection, partition=partition)
    memberships: dict[int, dict[UUID, Membership]] = {}
    try:
        for row in rows:
            memberships.setdefault(row["account_id"], {})[row["segment_id"]] = _membership(row)
    except Damaged:
        # The events are the truth. The bitmaps only make it unnecessary to read all of them.
        log.warning("bitmaps of members are damaged; rebuilding them from the events", partition=partition)
        position = 0
        for row in rows:
            memberships.setdefault(row["account_id"], {})[row["segment_id"]] = _membership(row, with_members=False)
    for move in await QUERIES["moves_after"].fetch(connection, partition=partition, position=position):
        if move["enters"] is None:
            raise UnknownEventVersion(f"this version of segmentation cannot read events of type {move['type']}")
        membership = memberships.setdefault(move["account_id"], {}).setdefault(
            move["segment_id"], Membership(written=True)
        )
        index = move["contact_id"] // partitions
        (membership.announced.add if move["enters"] else membership.announced.discard)(index)
        membership.saved = False
    return memberships


def _membership(row: Record, *, with_members: bool = True) -> Membership:
    membership = Membership(adopted=row["adopted"], broken=row["broken"], written=True, saved=with_members)
    for column, reason in REASONS.items():
        if row[column] is not None:
            membership.pending[reason] = load_bitmap(row[column])
    if with_members and row["members"] is not None:
        membership.announced = load_bitmap(row["members"])
    return membership


def _dump(bitmap: BitMap | None) -> bytes | None:
    return None if bitmap is None else dump_bitmap(bitmap)


async def write_changes(connection: PoolConnectionProxy, partition: int, slices: Sequence[AccountSlice]) -> None:
    """Write changed days and pending announcements, in the transaction of the corresponding events."""
    on_new_day = [account for account in slices if not account.day_written]
    if on_new_day:
        await QUERIES["write_slice_days"].execute(
            connection,
            partition=partition,
            accounts=[account.account_id for account in on_new_day],
            days=[date.fromordinal(account.image.day) for account in on_new_day],
        )
        for account in on_new_day:
            account.day_written = True
        await write_ended_days(connection, partition, on_new_day)
    changed = [
        (account.account_id, segment_id, membership)
        for account in slices
        for segment_id, membership in account.memberships.items()
        if not membership.written
    ]
    over = [segment_id for _, segment_id, membership in changed if membership.is_over]
    remaining = [
        (account_id, segment_id, membership) for account_id, segment_id, membership in changed if not membership.is_over
    ]
    if remaining:
        await QUERIES["write_memberships"].execute(
            connection,
            partition=partition,
            accounts=[account_id for account_id, _, _ in remaining],
            segments=[segment_id for _, segment_id, _ in remaining],
            adopted=[membership.adopted for _, _, membership in remaining],
            broken=[membership.broken for _, _, membership in remaining],
            **{
                column: [_dump(membership.pending.get(reason)) for _, _, membership in remaining]
                for column, reason in REASONS.items()
            },
        )
        for _, _, membership in remaining:
            membership.written = True
    if over:
        await QUERIES["delete_memberships"].execute(connection, partition=partition, segments=over)
        await forget_segments(connection, partition, over)
        for account in slices:
            for segment_id in over:
                account.memberships.pop(segment_id, None)


async def write_members(connection: PoolConnectionProxy, partition: int, slices: Sequence[AccountSlice]) -> None:
    """Write changed bitmaps of members. No event may have been appended in this transaction."""
    changed = [
        (segment_id, membership)
        for account in slices
        for segment_id, membership in account.memberships.items()
        if not membership.saved
    ]
    await QUERIES["write_members"].execute(
        connection,
        partition=partition,
        segments=[segment_id for segment_id, _ in changed],
        members=[dump_bitmap(membership.announced) for _, membership in changed],
    )
    await QUERIES["move_member_position"].execute(connection, partition=partition)
    for _, membership in changed:
        membership.saved = True
