"""Writes rows of the event table: assigns their positions, and stores which events each of them follows."""

from collections.abc import Sequence
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from shared.events.topics import CATALOG_PARTITION, WRITING_ORDER, causes_of
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

# The columns of a row, in this order; the first is its partition number, the second its topic.
DRAFT_COLUMNS = (
    "partition",
    "topic",
    "type",
    "event_id",
    "account_id",
    "contact_id",
    "key",
    "occurred_at",
    "correlation_id",
    "causation_id",
    "trace",
    "body",
    "personal",
)
COLUMNS = ("position", *DRAFT_COLUMNS, "after")

Draft = tuple[Any, ...]
Sequences = dict[tuple[int, str], int]  # by partition number and topic


async def write_events(connection: PoolConnectionProxy, drafts: Sequence[Draft]) -> dict[int, int]:
    """Write the events of a unit of work; return the position of the last one of each partition number.

    They are written topic by topic (`WRITING_ORDER`), and in the order of `drafts` within a topic. Positions are
    assigned before the rows are written, so that `after` can name events of the same unit. The locks of all partition
    numbers must be held, so that no other transaction changes the sequences that are read here.
    """
    drafts = sorted(drafts, key=lambda draft: WRITING_ORDER[draft[1]])
    numbers = {draft[0] for draft in drafts}
    row = await QUERIES["begin_writing"].fetchrow(
        connection, count=len(drafts), partitions=sorted({CATALOG_PARTITION, *numbers})
    )
    assert row is not None
    known: Sequences = {(partition, topic): sequence for partition, topic, sequence in row["known"]}
    rows: list[tuple[Any, ...]] = []
    heads: Sequences = {}
    after: dict[tuple[int, str], str] = {}
    for position, draft in zip(row["positions"], drafts, strict=True):
        target: tuple[int, str] = (draft[0], draft[1])
        text = after.get(target)
        if text is None:
            # Other topics do not advance until this one is written, so all rows of the topic have the same `after`.
            text = after[target] = _after(draft[0], draft[1], known | heads)
        heads[target] = position
        rows.append((position, *draft, text))
    await connection.copy_records_to_table("events", records=rows, columns=COLUMNS)
    await QUERIES["finish_writing"].execute(
        connection,
        partitions=[partition for partition, _ in heads],
        topics=[topic for _, topic in heads],
        positions=list(heads.values()),
    )
    last: dict[int, int] = {}
    for (partition, _), position in heads.items():
        last[partition] = max(position, last.get(partition, 0))
    return last


def _after(partition: int, topic: str, known: Sequences) -> str:
    """Return the text of `ce_after`: each topic that the event may follow from, with the highest sequence."""
    entries = []
    for cause in sorted(causes_of(topic)):
        number = CATALOG_PARTITION if cause.endswith(".catalog") else partition
        sequence = known.get((number, cause))
        if sequence:
            entries.append(f"{cause}={sequence}")
    return ",".join(entries)
