"""The tables of campaigns."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import Pool, PoolConnectionProxy
from pyroaring import BitMap

from services.segmentation.domain.campaigns import Campaign, Frozen, Launch, SliceProgress, dump_skipped, load_skipped
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


def _campaign(row: Record) -> Campaign:
    audience: dict[str, list[Any]] = json.loads(row["audience"])
    return Campaign(
        campaign_id=row["campaign_id"],
        account_id=row["account_id"],
        name=row["name"],
        version=row["version"],
        message_id=row["message_id"],
        include=audience["include"],
        exclude=audience["exclude"],
        hold_out_percent=row["hold_out_percent"],
        send_at=row["send_at"],
        expires_at=row["expires_at"],
        state=row["state"],
        reason=row["reason"],
        launch=None if row["launch"] is None else Launch.model_validate_json(row["launch"]),
        launched_at=row["launched_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def _audience(campaign: Campaign) -> str:
    return json.dumps({"include": campaign.include, "exclude": campaign.exclude})


async def insert_campaign(connection: PoolConnectionProxy, campaign: Campaign) -> None:
    """Write a new draft."""
    await QUERIES["insert_campaign"].execute(
        connection,
        campaign_id=campaign.campaign_id,
        account_id=campaign.account_id,
        name=campaign.name,
        message_id=campaign.message_id,
        audience=_audience(campaign),
        hold_out_percent=campaign.hold_out_percent,
        send_at=campaign.send_at,
        expires_at=campaign.expires_at,
        created_at=campaign.created_at,
    )


async def update_campaign(connection: PoolConnectionProxy, campaign: Campaign) -> None:
    """Write a campaign's whole state."""
    await QUERIES["update_campaign"].execute(
        connection,
        campaign_id=campaign.campaign_id,
        name=campaign.name,
        version=campaign.version,
        message_id=campaign.message_id,
        audience=_audience(campaign),
        hold_out_percent=campaign.hold_out_percent,
        send_at=campaign.send_at,
        expires_at=campaign.expires_at,
        state=campaign.state,
        reason=campaign.reason,
        launch=None if campaign.launch is None else campaign.launch.model_dump_json(),
        launched_at=campaign.launched_at,
        changed_at=campaign.changed_at,
    )


async def delete_campaign(connection: PoolConnectionProxy, campaign_id: UUID) -> None:
    """Delete a campaign with its frozen parts."""
    await QUERIES["delete_campaign"].execute(connection, campaign_id=campaign_id)


async def read_campaign(connection: Pool | PoolConnectionProxy, account_id: int, campaign_id: UUID) -> Campaign | None:
    """Return a campaign; None if the account has no such campaign."""
    row = await QUERIES["campaign"].fetchrow(connection, account_id=account_id, campaign_id=campaign_id)
    return None if row is None else _campaign(row)


async def read_page(pool: Pool, account_id: int, after: UUID | None, limit: int) -> tuple[list[Campaign], int]:
    """Return campaigns with an id above `after`, and their total number."""
    rows = await QUERIES["page_of_campaigns"].fetch(pool, account_id=account_id, after=after, limit=limit)
    total: int = await QUERIES["count_campaigns"].fetchval(pool, account_id=account_id)
    return [_campaign(row) for row in rows], total


async def count_campaigns(connection: PoolConnectionProxy, account_id: int) -> int:
    """Return how many campaigns the account has."""
    count: int = await QUERIES["count_campaigns"].fetchval(connection, account_id=account_id)
    return count


async def campaigns_to_move(pool: Pool, now: datetime) -> list[tuple[int, UUID]]:
    """Return account and id of the campaigns whose state may have to change."""
    rows = await QUERIES["campaigns_to_move"].fetch(pool, now=now)
    return [(row["account_id"], row["campaign_id"]) for row in rows]


async def insert_slices(connection: PoolConnectionProxy, campaign_id: UUID, partitions: int) -> None:
    """Insert a row for every partition number, replacing those of an earlier launch."""
    await QUERIES["delete_slices"].execute(connection, campaign_id=campaign_id)
    await QUERIES["insert_slices"].execute(connection, campaign_id=campaign_id, partitions=partitions)


async def read_progress(connection: Pool | PoolConnectionProxy, campaign_id: UUID) -> list[SliceProgress]:
    """Return the progress of every slice."""
    rows = await QUERIES["slices_of_campaign"].fetch(connection, campaign_id=campaign_id)
    return [_progress(row) for row in rows]


def _progress(row: Record) -> SliceProgress:
    return SliceProgress(
        partition=row["partition"],
        frozen=None if row["frozen"] is None else Frozen.load(row["frozen"]),
        as_of=row["as_of"],
        frozen_at=row["frozen_at"],
        failed=row["failed"],
        next_index=row["next_index"],
        skipped=load_skipped(row["skipped"]),
        drained_at=row["drained_at"],
    )


async def slices_to_freeze(connection: PoolConnectionProxy, partition: int) -> list[Campaign]:
    """Return the campaigns in state `launching` without a frozen part in the partition number."""
    return [_campaign(row) for row in await QUERIES["slices_to_freeze"].fetch(connection, partition=partition)]


async def slices_to_drain(connection: PoolConnectionProxy, partition: int) -> list[tuple[Campaign, SliceProgress]]:
    """Return the campaigns in state `sending` with members left in the partition number."""
    rows = await QUERIES["slices_to_drain"].fetch(connection, partition=partition)
    return [
        (
            _campaign(row),
            SliceProgress(
                partition=partition,
                frozen=Frozen.load(row["frozen"]),
                next_index=row["next_index"],
                skipped=load_skipped(row["skipped"]),
            ),
        )
        for row in rows
    ]


async def write_frozen(
    connection: PoolConnectionProxy, campaign_id: UUID, partition: int, frozen: Frozen, as_of: date, now: datetime
) -> None:
    """Write the frozen part of a slice."""
    await QUERIES["write_frozen"].execute(
        connection, campaign_id=campaign_id, partition=partition, frozen=frozen.dump(), as_of=as_of, frozen_at=now
    )


async def write_failed(connection: PoolConnectionProxy, campaign_id: UUID, partition: int, failed: str) -> None:
    """Write why a slice cannot freeze its part."""
    await QUERIES["write_failed"].execute(connection, campaign_id=campaign_id, partition=partition, failed=failed)


async def write_progress(
    connection: PoolConnectionProxy,
    campaign_id: UUID,
    partition: int,
    next_index: int,
    skipped: Mapping[str, BitMap],
    drained_at: datetime | None,
) -> None:
    """Write the progress of a slice. `drained_at`: when the last member was handled; None if some are left."""
    await QUERIES["write_progress"].execute(
        connection,
        campaign_id=campaign_id,
        partition=partition,
        next_index=next_index,
        skipped=dump_skipped(skipped) if skipped else None,
        drained_at=drained_at,
    )
