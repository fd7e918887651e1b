"""Clicks: their identities, their rows, and their counts."""

from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.tracking.store.messages import message_number
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

CountKey = tuple[int, int, int, str]  # message, link number, send, verdict


class SeenKey(NamedTuple):
    """The identity of a click."""

    account_id: int
    source_no: int
    key: UUID


class SendKey(NamedTuple):
    """The identity of a send. Pipelines choose the ids of sends, so they are unique only within a message."""

    message_no: int
    kind: str
    id: str


class ClickRow(NamedTuple):
    """A row of `clicks`. `send_no` is 0 for a click without a send."""

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
    rules: int
    history: bool
    since_send: int | None
    since_delivery: int | None
    network: UUID | None
    http_version: str | None


class ClickFilter(NamedTuple):
    """A filter of clicks; None means any. `since` is inclusive, `until` is exclusive. `send` is a send's id.

    `link_ids` are links of the message, and need `message_id`.
    """

    contact_id: int | None = None
    message_id: UUID | None = None
    send: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    link_ids: Sequence[UUID] | None = None


async def recorded_among(
    connection: PoolConnectionProxy, account_id: int, source: str, keys: Sequence[UUID]
) -> set[UUID]:
    """Return which of an account's reports from a source were recorded, with any verdict."""
    rows = await QUERIES["recorded_among"].fetch(connection, account_id=account_id, source=source, keys=keys)
    return {UUID(int=row["key"].int) for row in rows}


async def held_among(connection: PoolConnectionProxy, topic: str, key_prefix: bytes, ids: Sequence[str]) -> set[str]:
    """Return the ids of the reports that are held, among records whose key begins with `key_prefix`."""
    by_id64 = {b64encode(report_id.encode()).decode(): report_id for report_id in ids}
    rows = await QUERIES["held_among"].fetch(connection, topic=topic, key_prefix=key_prefix, ids64=list(by_id64))
    return {by_id64[row["id64"]] for row in rows}


def headers_as_json(headers: Mapping[str, str] | None) -> str | None:
    """Return a click's headers in their stored form."""
    return orjson.dumps(headers).decode() if headers else None


async def read_network_key(connection: PoolConnectionProxy) -> bytes:
    """Return the key of the hashes of networks."""
    key: str = await QUERIES["network_key"].fetchval(connection)
    return key.encode()


async def settle_sources(connection: PoolConnectionProxy, sources: Collection[str]) -> dict[str, int]:
    """Return the numbers of sources; new sources get one."""
    rows = await QUERIES["settle_sources"].fetch(connection, sources=list(sources))
    return {row["source"]: row["source_no"] for row in rows}


async def settle_sends(
    connection: PoolConnectionProxy, sends: Mapping[SendKey, tuple[int, datetime]]
) -> dict[SendKey, int]:
    """Return the numbers of sends, each with its account and its time; new sends get a number."""
    rows = await QUERIES["settle_sends"].fetch(
        connection,
        account_ids=[account_id for account_id, _ in sends.values()],
        message_nos=[key.message_no for key in sends],
        kinds=[key.kind for key in sends],
        ids=[key.id for key in sends],
        sent_at=[sent_at for _, sent_at in sends.values()],
    )
    return {SendKey(row["message_no"], row["kind"], row["id"]): row["send_no"] for row in rows}


async def insert_seen(connection: PoolConnectionProxy, keys: Sequence[SeenKey]) -> list[int]:
    """Insert the identities of clicks; return the indexes in `keys` of the new ones, without duplicates.

    Must not run within a savepoint, because the transaction's id identifies the inserted rows.
    """
    columns = {
        "account_ids": [key.account_id for key in keys],
        "source_nos": [key.source_no for key in keys],
        "keys": [key.key for key in keys],
    }
    if await QUERIES["insert_seen"].execute(connection, **columns) == len(keys):
        return list(range(len(keys)))
    new = {SeenKey(*row) for row in await QUERIES["seen_here"].fetch(connection, **columns)}
    indexes = []
    for index, key in enumerate(keys):
        if key in new:
            new.remove(key)
            indexes.append(index)
    return indexes


async def write_clicks(connection: PoolConnectionProxy, rows: Sequence[ClickRow]) -> None:
    """Insert clicks; `count_clicks` counts them later in the same transaction."""
    await connection.copy_records_to_table("clicks", records=rows, columns=ClickRow._fields)


async def remove_clicks(connection: PoolConnectionProxy, rows: Sequence[ClickRow]) -> None:
    """Delete clicks that `write_clicks` has inserted in this transaction."""
    await QUERIES["remove_clicks"].execute(connection, click_ids=[row.click_id for row in rows])


async def count_clicks(connection: PoolConnectionProxy, rows: Sequence[ClickRow]) -> None:
    """Add clicks to the counts. Transactions that count clicks of the same message must exclude each other by a
    lock."""
    counts: Counter[CountKey] = Counter((row.message_no, row.link_number, row.send_no, row.verdict) for row in rows)
    ordered = sorted(counts)
    if ordered:
        await QUERIES["add_counts"].execute(
            connection,
            message_nos=[message_no for message_no, _, _, _ in ordered],
            link_numbers=[number for _, number, _, _ in ordered],
            send_nos=[send_no for _, _, send_no, _ in ordered],
            verdicts=[verdict for _, _, _, verdict in ordered],
            clicks=[counts[key] for key in ordered],
        )


async def list_clicks(
    connection: PoolConnectionProxy,
    account_id: int,
    click_filter: ClickFilter,
    before: Sequence[object] | None,
    limit: int,
) -> list[Record]:
    """Return clicks of an account before `before` (occurred_at, click_id), newest first. Must run in a transaction."""
    # A generic plan would read all clicks of the account to find those of one contact.
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    message_no = None
    if click_filter.message_id is not None:
        message_no = await message_number(connection, account_id, click_filter.message_id)
        if message_no is None:
            return []
    links = None
    if click_filter.link_ids is not None:
        rows = await QUERIES["numbers_of_links"].fetch(
            connection, message_id=click_filter.message_id, link_ids=click_filter.link_ids
        )
        links = [row["number"] for row in rows]
    sends = None
    if click_filter.send is not None:
        rows = await QUERIES["sends_named"].fetch(connection, account_id=account_id, send_id=click_filter.send)
        sends = [row["send_no"] for row in rows]
    before_time, before_id = before or (None, None)
    return await QUERIES["list_clicks"].fetch(
        connection,
        account_id=account_id,
        contact_id=click_filter.contact_id,
        message_no=message_no,
        link_numbers=links,
        send_nos=sends,
        verdict=click_filter.verdict,
        since=click_filter.since,
        until=click_filter.until,
        before_time=before_time,
        before_id=before_id,
        limit=limit,
    )


async def forget_clicks(connection: PoolConnectionProxy, contacts: Collection[tuple[int, int]]) -> None:
    """Remove personal data from the clicks of `contacts` (account, contact)."""
    if contacts:
        await QUERIES["forget_clicks"].execute(
            connection,
            account_ids=[account_id for account_id, _ in contacts],
            contact_ids=[contact_id for _, contact_id in contacts],
        )
