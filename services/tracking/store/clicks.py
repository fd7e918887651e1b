"""Clicks: which were seen, the rows as they came, and their counts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.tracking.store import QUERIES

CountKey = tuple[int, int, int, str]  # message, link number, send, verdict


class SeenKey(NamedTuple):
    """A click's identity."""

    account_id: int
    source_no: int
    key: UUID


class SendKey(NamedTuple):
    """A send's identity; ids of sends are the pipeline's, so each message has its own."""

    message_no: int
    kind: str
    id: str


class ClickRow(NamedTuple):
    """A row of `clicks`. `send_no` 0: of no send."""

    click_id: UUID
    account_id: int
    contact_id: int
    message_no: int
    link_number: int
    send_no: int
    occurred_at: datetime
    verdict: str
    reasons: tuple[str, ...]
    method: str | None
    hint: str | None
    user_agent: str | None
    ip: str | None
    headers: str | None


class ClickFilter(NamedTuple):
    """Which clicks to list; None: any. `since` inclusive, `until` not. `send` is a send's id."""

    contact_id: int | None = None
    message_id: UUID | None = None
    send: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def written_headers(headers: Mapping[str, str] | None) -> str | None:
    """A click's headers as they are stored."""
    return orjson.dumps(headers).decode() if headers else None


async def settle_sources(connection: PoolConnectionProxy, sources: Collection[str]) -> dict[str, int]:
    """The numbers of sources, given to them at their first click."""
    rows = await connection.fetch(QUERIES["settle_sources"], list(sources))
    return {row["source"]: row["source_no"] for row in rows}


async def settle_sends(
    connection: PoolConnectionProxy, sends: Mapping[SendKey, tuple[int, datetime]]
) -> dict[SendKey, int]:
    """The numbers of sends, given to them at their first click; with each its account and when it was sent."""
    rows = await connection.fetch(
        QUERIES["settle_sends"],
        [account_id for account_id, _ in sends.values()],
        [key.message_no for key in sends],
        [key.kind for key in sends],
        [key.id for key in sends],
        [sent_at for _, sent_at in sends.values()],
    )
    return {SendKey(row["message_no"], row["kind"], row["id"]): row["send_no"] for row in rows}


async def insert_seen(connection: PoolConnectionProxy, keys: Sequence[SeenKey]) -> list[int]:
    """Remembers clicks as seen; the places in `keys` of those that were not, of doubles the first.

    Not within a savepoint: what this transaction has inserted is told by its id.
    """
    columns = [*zip(*keys, strict=True)]
    if await connection.execute(QUERIES["insert_seen"], *columns) == f"INSERT 0 {len(keys)}":
        return list(range(len(keys)))
    new = {SeenKey(*row) for row in await connection.fetch(QUERIES["seen_here"], *columns)}
    places = []
    for place, key in enumerate(keys):
        if key in new:
            new.remove(key)
            places.append(place)
    return places


async def write_clicks(connection: PoolConnectionProxy, rows: Sequence[ClickRow]) -> None:
    """Adds clicks; they are counted by `count_clicks`, later in the same transaction."""
    await connection.copy_records_to_table("clicks", records=rows, columns=ClickRow._fields)


async def remove_clicks(connection: PoolConnectionProxy, rows: Sequence[ClickRow]) -> None:
    """Takes back what `write_clicks` has added in this transaction."""
    await connection.execute(QUERIES["remove_clicks"], [row.click_id for row in rows])


async def count_clicks(connection: PoolConnectionProxy, rows: Sequence[ClickRow]) -> None:
    """Counts clicks. Whoever counts clicks of the same message at once must hold a lock in common."""
    counts: Counter[CountKey] = Counter((row.message_no, row.link_number, row.send_no, row.verdict) for row in rows)
    ordered = sorted(counts)
    if ordered:
        await connection.execute(QUERIES["add_counts"], *zip(*ordered, strict=True), [counts[key] for key in ordered])


async def list_clicks(
    connection: PoolConnectionProxy,
    account_id: int,
    wanted: ClickFilter,
    before: Sequence[object] | None,
    limit: int,
) -> list[Record]:
    """Clicks of an account, the latest first; those before `before` (occurred_at, click_id). In a transaction."""
    # A plan made for any filter would walk through all of the account's clicks for one contact's.
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    message_no = None
    if wanted.message_id is not None:
        message_no = await connection.fetchval(QUERIES["number_of_message"], account_id, wanted.message_id)
        if message_no is None:
            return []
    sends = None
    if wanted.send is not None:
        sends = [row["send_no"] for row in await connection.fetch(QUERIES["sends_named"], account_id, wanted.send)]
    rows: list[Record] = await connection.fetch(
        QUERIES["list_clicks"],
        account_id,
        wanted.contact_id,
        message_no,
        sends,
        wanted.verdict,
        wanted.since,
        wanted.until,
        *(before or (None, None)),
        limit,
    )
    return rows
