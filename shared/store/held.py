"""Records that cannot be applied now: one table, in order, each with its reason (design, section 5)."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.store.runtime_queries import QUERIES

State = Literal["waiting", "failed", "ready", "dead"]


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A Kafka record as it came, with why it is held.

    `waiting`: for a contact or message not yet known, until `expires_at`; `failed`: the code failed on it; `ready`: to
    be processed again; `dead`: on its way to the dead letters.
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
    """Header values may be any bytes, and names any text: JSON of base64 keeps both."""
    return orjson.dumps([[name, None if value is None else b64encode(value).decode()] for name, value in headers])


def decode_headers(stored: bytes) -> list[tuple[str, bytes | None]]:
    """What `encode_headers` wrote."""
    return [(name, None if value is None else b64decode(value)) for name, value in orjson.loads(stored)]


async def insert_held(connection: PoolConnectionProxy, records: Sequence[HeldRecord]) -> None:
    """Writes all of `records` in one statement; wakes whoever moves held records."""
    if not records:
        return
    await connection.execute(
        QUERIES["hold_records"],
        [record.consumer for record in records],
        [record.topic for record in records],
        [record.partition for record in records],
        [record.offset for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [encode_headers(record.headers) for record in records],
        [record.account_id for record in records],
        [record.contact_id for record in records],
        [record.state for record in records],
        [record.reason for record in records],
        ["\n".join(record.waits_for) for record in records],
        [record.held_at for record in records],
        [record.expires_at for record in records],
    )
    await connection.execute(QUERIES["notify_held"])
