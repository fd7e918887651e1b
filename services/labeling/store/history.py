"""The history of assignments: every assertion, removal and refused attempt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.assignments import Outcome
from shared.events.codec import body_of
from shared.events.parts import Origin
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
_COLUMNS = (
    "contact_id",
    "label_no",
    "occurred_at",
    "outcome",
    "reason",
    "cause",
    "event_id",
    "click_id",
    "message_id",
    "link_id",
    "origin",
)


class NewHistoryEntry(NamedTuple):
    """An entry to be inserted. A click's origin is its three ids; any other origin is `origin`."""

    contact_id: int
    label_no: int
    occurred_at: datetime
    outcome: Outcome
    reason: str | None
    cause: UUID | None
    event_id: UUID | None
    click_id: UUID | None = None
    message_id: UUID | None = None
    link_id: UUID | None = None
    origin: str | None = None


class StoredEntry(NamedTuple):
    """A stored entry. `cause` is the event that caused it, `event_id` the event that was published for it."""

    entry: int
    outcome: Outcome
    reason: str | None
    origin: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    cause: UUID | None
    event_id: UUID | None


def encode_origin(origin: Origin) -> str:
    """Return an origin as JSON; members that are None are omitted."""
    return body_of(origin).decode()


async def insert_history(connection: PoolConnectionProxy, entries: Sequence[tuple[object, ...]]) -> None:
    """Insert entries (`NewHistoryEntry`, or plain tuples in its order)."""
    if entries:
        await connection.copy_records_to_table("assignment_history", records=entries, columns=_COLUMNS)


async def history_of_assignment(
    connection: PoolConnectionProxy, label_no: int, contact_id: int, after: int, limit: int
) -> list[StoredEntry]:
    """Return a page of a pair's history, oldest first."""
    rows = await QUERIES["history_of_assignment"].fetch(
        connection, label_no=label_no, contact_id=contact_id, after=after, limit=limit
    )
    return [_entry(row) for row in rows]


def _entry(row: Record) -> StoredEntry:
    return StoredEntry(
        row["entry"],
        row["outcome"],
        row["reason"],
        origin_of(row),
        row["occurred_at"],
        row["recorded_at"],
        row["cause"],
        row["event_id"],
    )


def origin_of(row: Record) -> dict[str, Any]:
    """Return the origin of an entry of the history."""
    if row["origin"] is not None:
        origin: dict[str, Any] = orjson.loads(row["origin"])
        return origin
    ids = ("click_id", "message_id", "link_id")
    return {"kind": "click", **{name: str(row[name]) for name in ids}}
