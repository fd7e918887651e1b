"""Engagements, and the identities of the reports that they came from."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from msgspec import json

from shared.events.codec import body_of
from shared.events.intake import EngagementReported
from shared.events.labeling import ContactEngaged, Scalar
from shared.events.parts import Send
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class Identity(NamedTuple):
    """The identity of a report. `earlier_key` is the key that earlier versions gave to ids that are not UUIDs."""

    account_id: int
    source_no: int
    key: bytes
    earlier_key: bytes | None = None


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


async def source_numbers(connection: PoolConnectionProxy, sources: Collection[str]) -> dict[str, int]:
    """Return the numbers of sources, by source; a new source gets a number."""
    names = sorted(set(sources))
    numbers = await _numbers_of(connection, names)
    if len(numbers) < len(names):
        new = [source for source in names if source not in numbers]
        await QUERIES["insert_sources"].execute(connection, sources=new)
        numbers = await _numbers_of(connection, names)
    return numbers


async def _numbers_of(connection: PoolConnectionProxy, sources: Sequence[str]) -> dict[str, int]:
    rows = await QUERIES["numbers_of_sources"].fetch(connection, sources=sources)
    return {row["source"]: row["source_no"] for row in rows}


async def insert_identities(connection: PoolConnectionProxy, identities: Collection[Identity]) -> set[Identity]:
    """Insert the identities of reports; return the new ones."""
    if not identities:
        return set()
    account_ids, source_nos, keys, earlier_keys = zip(*identities, strict=True)
    rows = await QUERIES["insert_identities"].fetch(
        connection, account_ids=account_ids, source_nos=source_nos, keys=keys, earlier_keys=earlier_keys
    )
    new = {(row["account_id"], row["source_no"], row["key"]) for row in rows}
    return {identity for identity in identities if identity[:3] in new}


class StoredEngagement(NamedTuple):
    """An engagement with its unpublished data."""

    event_id: UUID
    occurred_at: datetime
    kind: str
    ref: str | None
    message_id: UUID | None
    send: Send | None
    attributes: dict[str, Scalar]
    data: dict[str, Any] | None


async def engagements_of_contact(
    connection: PoolConnectionProxy, account_id: int, contact_id: int, before: UUID | None, limit: int
) -> list[StoredEngagement]:
    """Return a page of the contact's engagements, newest first."""
    rows = await QUERIES["engagements_of_contact"].fetch(
        connection, account_id=account_id, contact_id=contact_id, before=before, limit=limit
    )
    return [_engagement(row) for row in rows]


def _engagement(row: Record) -> StoredEngagement:
    return StoredEngagement(
        event_id=row["event_id"],
        occurred_at=row["occurred_at"],
        kind=row["kind"],
        ref=row["ref"],
        message_id=row["message_id"],
        send=None if row["send"] is None else json.decode(row["send"], type=Send),
        attributes=orjson.loads(row["attributes"]),
        data=None if row["data"] is None else orjson.loads(row["data"]),
    )


async def insert_engagements(
    connection: PoolConnectionProxy, engagements: Sequence[tuple[ContactEngaged, EngagementReported]]
) -> None:
    """Insert engagements with their unpublished data."""
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
