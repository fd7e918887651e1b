"""Records that cannot be applied now: one table, in order, each with its reason."""

from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

State = Literal["waiting", "failed", "ready", "dead"]


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """An unchanged Kafka record, with the reason why it is held.

    States: `waiting` for a contact or message not yet known, until `expires_at`; `failed`: the code failed on it;
    `ready` to be processed again; `dead`: about to become a dead letter.
    """

    consumer: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    account_id: int | None
    contact_id: int | None
    state: State
    reason: str
    waits_for: Sequence[str]
    held_at: datetime
    expires_at: datetime | None


def encode_headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Return headers as JSON with base64, which keeps any bytes of the values and any text of the names."""
    return orjson.dumps([[name, None if value is None else b64encode(value).decode()] for name, value in headers])


def decode_headers(stored: bytes) -> list[tuple[str, bytes | None]]:
    """Return what `encode_headers` wrote."""
    return [(name, None if value is None else b64decode(value)) for name, value in orjson.loads(stored)]


async def insert_held(connection: PoolConnectionProxy, records: Sequence[HeldRecord]) -> None:
    """Write `records` in one statement, and wake the task that processes held records."""
    if not records:
        return
    await QUERIES["hold_records"].execute(
        connection,
        consumers=[record.consumer for record in records],
        topics=[record.topic for record in records],
        partitions=[record.partition for record in records],
        offsets=[record.offset for record in records],
        keys=[record.key for record in records],
        values=[record.value for record in records],
        headers=[encode_headers(record.headers) for record in records],
        account_ids=[record.account_id for record in records],
        contact_ids=[record.contact_id for record in records],
        states=[record.state for record in records],
        reasons=[record.reason for record in records],
        waits_for=["\n".join(record.waits_for) for record in records],
        held_at=[record.held_at for record in records],
        expires_at=[record.expires_at for record in records],
    )
    await QUERIES["notify_held"].execute(connection)


async def release_held(connection: PoolConnectionProxy, waits_for: Sequence[str]) -> None:
    """Release records that wait for any of these keys, once the transaction is committed."""
    if waits_for and await QUERIES["release_records"].execute(connection, waits_for=waits_for):
        await QUERIES["notify_held"].execute(connection)


async def forget_contacts(connection: PoolConnectionProxy, contacts: Collection[tuple[int, int]]) -> None:
    """Delete all held records of erased contacts (account, contact), for every consumer of the service."""
    if contacts:
        await QUERIES["forget_contacts"].execute(
            connection,
            account_ids=[account_id for account_id, _ in contacts],
            contact_ids=[contact_id for _, contact_id in contacts],
        )


async def release_failed(
    connection: PoolConnectionProxy, topic: str | None, account_id: int | None, contact_id: int | None
) -> int:
    """Release records on which the code failed; None means any. Return their number."""
    released = await QUERIES["release_failed"].execute(
        connection, topic=topic, account_id=account_id, contact_id=contact_id
    )
    await QUERIES["notify_held"].execute(connection)
    return released
