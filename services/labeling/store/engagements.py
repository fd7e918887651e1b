"""Which engagements were reported before, and what is kept of them."""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from uuid import UUID

import orjson
from asyncpg.pool import PoolConnectionProxy

from services.labeling.store import QUERIES
from shared.events.codec import body_of
from shared.events.intake import EngagementReported
from shared.events.labeling import ContactEngaged

Identity = tuple[int, int, bytes]  # account_id, source_no, key

_COLUMNS = (
    "account_id",
    "contact_id",
    "event_id",
    "occurred_at",
    "kind",
    "ref",
    "message_id",
    "send",
    "attributes",
    "data",
)


def identity_key(identifier: str) -> bytes:
    """16 bytes that stand for a report's id: the UUID's own, or a hash."""
    try:
        return UUID(identifier).bytes
    except ValueError:
        return blake2b(identifier.encode(), digest_size=16).digest()


async def source_numbers(connection: PoolConnectionProxy, sources: Collection[str]) -> dict[str, int]:
    """The numbers of sources; those not seen before get one."""
    wanted = sorted(set(sources))
    known = {row["source"]: row["source_no"] for row in await connection.fetch(QUERIES["sources_known"], wanted)}
    if len(known) < len(wanted):
        await connection.execute(QUERIES["add_sources"], [source for source in wanted if source not in known])
        known = {row["source"]: row["source_no"] for row in await connection.fetch(QUERIES["sources_known"], wanted)}
    return known


async def not_seen(connection: PoolConnectionProxy, identities: Collection[Identity]) -> set[Identity]:
    """Those of `identities` that were not reported before; from now on they were."""
    if not identities:
        return set()
    rows = await connection.fetch(QUERIES["see_engagements"], *zip(*identities, strict=True))
    return {(row["account_id"], row["source_no"], row["key"]) for row in rows}


async def keep_engagements(
    connection: PoolConnectionProxy, engagements: Sequence[tuple[ContactEngaged, EngagementReported]]
) -> None:
    """Keeps what was reported, with the data that is never published."""
    rows = [
        (
            event.account_id,
            event.contact_id,
            event.event_id,
            event.occurred_at,
            event.kind,
            event.ref,
            event.message_id,
            event.send and body_of(event.send).decode(),
            orjson.dumps(event.attributes).decode(),
            None if report.data is None else orjson.dumps(report.data).decode(),
        )
        for event, report in engagements
    ]
    await connection.copy_records_to_table("engagements", records=rows, columns=_COLUMNS)
