"""Decisions on subscription and on consent to tracking: each change, with its origin, time and wording."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.store.history import encode_origin
from shared.events.parts import Origin
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
_COLUMNS = ("account_id", "contact_id", "occurred_at", "subject", "before", "after", "origin", "wording")


class ConsentDecision(NamedTuple):
    """A change of `subject` (`subscription` or `tracking_consent`). `wording` is the text that the contact saw."""

    account_id: int
    contact_id: int
    occurred_at: datetime
    subject: str
    before: str | None
    after: str
    origin: Origin
    wording: str | None


class StoredDecision(NamedTuple):
    """A stored decision; `entry` increases with time."""

    entry: int
    occurred_at: datetime
    recorded_at: datetime
    subject: str
    before: str | None
    after: str
    origin: dict[str, Any]
    wording: str | None


async def insert_decisions(connection: PoolConnectionProxy, decisions: Sequence[ConsentDecision]) -> None:
    """Insert decisions."""
    if decisions:
        records = [decision._replace(origin=encode_origin(decision.origin)) for decision in decisions]  # type: ignore[arg-type]
        await connection.copy_records_to_table("contact_decisions", records=records, columns=_COLUMNS)


async def decisions_of_contact(
    connection: PoolConnectionProxy, account_id: int, contact_id: int, before: int | None, limit: int
) -> list[StoredDecision]:
    """Return a page of a contact's decisions, newest first."""
    rows = await QUERIES["decisions_of_contact"].fetch(
        connection, account_id=account_id, contact_id=contact_id, before=before, limit=limit
    )
    return [_decision(row) for row in rows]


def _decision(row: Record) -> StoredDecision:
    return StoredDecision(
        row["entry"],
        row["occurred_at"],
        row["recorded_at"],
        row["subject"],
        row["before"],
        row["after"],
        orjson.loads(row["origin"]),
        row["wording"],
    )
