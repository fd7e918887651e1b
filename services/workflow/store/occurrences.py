"""The events of the last weeks, in the order in which they were consumed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.runs import Causation, ConsumedEvent
from services.workflow.store.contacts import Contact, columns
from shared.events.codec import Decoder
from shared.events.registry import EVENTS
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
KEPT = timedelta(days=31)  # since an event was recorded
COLUMNS = (
    "partition",
    "account_id",
    "contact_id",
    "recorded_at",
    "topic",
    "type",
    "correlation_id",
    "causation_id",
    "trace",
    "body",
)

_decoder = Decoder(EVENTS)


class Occurrence(NamedTuple):
    """An unchanged event with its position in its partition's order."""

    position: int
    seen: ConsumedEvent
    body: bytes


def row_of(partition: int, seen: ConsumedEvent, topic: str, event_type: str, body: bytes) -> tuple[object, ...]:
    """Return a row of the table, in the order of `COLUMNS`."""
    event, cause = seen.event, seen.cause
    return (
        partition,
        event.account_id,
        event.contact_id,
        seen.recorded_at,
        topic,
        event_type,
        cause.correlation_id,
        seen.causation,
        cause.trace,
        body,
    )


async def write(connection: PoolConnectionProxy, rows: Sequence[tuple[object, ...]]) -> None:
    """Append rows made by `row_of`."""
    if rows:
        await connection.copy_records_to_table("occurrences", records=rows, columns=COLUMNS)


def _occurrence(row: Record) -> Occurrence:
    event = _decoder.read(row["topic"], row["type"], row["body"])
    cause = Causation(str(event.event_id), row["correlation_id"], row["trace"])
    return Occurrence(
        row["position"], ConsumedEvent(event, row["recorded_at"], cause, row["causation_id"]), row["body"]
    )


async def since(
    connection: PoolConnectionProxy, moments: Mapping[Contact, datetime], number_of: Callable[[int, int], int]
) -> dict[Contact, list[ConsumedEvent]]:
    """Return the events of contacts, each since a given time, in the order of consumption.

    `number_of` returns the partition number of a contact.
    """
    earliest: dict[int, datetime] = {}
    for contact, moment in moments.items():
        number = number_of(*contact)
        earliest[number] = min(moment, earliest.get(number, moment))
    events: dict[Contact, list[ConsumedEvent]] = {}
    rows = await QUERIES["occurrences_since"].fetch(
        connection,
        partitions=list(earliest),
        earliest=list(earliest.values()),
        **columns(moments),
        moments=list(moments.values()),
    )
    for row in rows:
        events.setdefault((row["account_id"], row["contact_id"]), []).append(_occurrence(row).seen)
    return events


async def after(
    connection: PoolConnectionProxy, partition: int, account_id: int, position: int, limit: int
) -> list[Occurrence]:
    """Return the account's events of a partition after a position, in order."""
    rows = await QUERIES["occurrences_after"].fetch(
        connection, partition=partition, account_id=account_id, after=position, limit=limit
    )
    return [_occurrence(row) for row in rows]


async def of_account(
    connection: PoolConnectionProxy, partition: int, account_id: int, moment: datetime, position: int, limit: int
) -> list[Occurrence]:
    """Return the account's events of a partition recorded since a moment, after a position, in order."""
    rows = await QUERIES["occurrences_of_account"].fetch(
        connection, partition=partition, account_id=account_id, since=moment, after=position, limit=limit
    )
    return [_occurrence(row) for row in rows]


async def forget(connection: PoolConnectionProxy, partition: int, now: datetime) -> None:
    """Delete events that are older than `KEPT` and that no pause needs."""
    await QUERIES["forget_occurrences"].execute(connection, partition=partition, before=now - KEPT)
