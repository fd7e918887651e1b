"""The speed of a process as seen from outside, by the checkpoints that it commits."""

import asyncio
from time import monotonic

import asyncpg

LOOK_EVERY = 0.03  # seconds
WITHIN = 180.0  # seconds
APPLIED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM checkpoints"
HAS_CHECKPOINTS = "SELECT EXISTS (SELECT FROM checkpoints)"
# Counting published events would cost more than publishing them: all events count as soon as none is unpublished.
PUBLISHED = """
SELECT CASE
    WHEN NOT EXISTS (SELECT FROM publications) THEN 0
    WHEN EXISTS (
        SELECT FROM publications AS publication
        JOIN events ON events.partition = publication.partition AND events.position > publication.position
    ) THEN 0
    ELSE (SELECT last_value FROM events_position)
END
"""


async def rate_until(dsn: str, end: int, query: str = APPLIED, start: int = 0) -> float:
    """Return units per second, from the time when the process has read its checkpoints until `query` returns `end`.

    `start` is the number of units that existed before.
    """
    connection = await asyncpg.connect(dsn)
    began = 0.0
    now = 0
    deadline = monotonic() + WITHIN
    try:
        while monotonic() < deadline:
            try:
                if not began and await connection.fetchval(HAS_CHECKPOINTS):
                    began = monotonic()
                now = await connection.fetchval(query) if began else 0
            except asyncpg.UndefinedTableError:
                now = 0
            if now >= end:
                return (end - start) / (monotonic() - began)
            await asyncio.sleep(LOOK_EVERY)
        raise TimeoutError(f"{now} of {end} after {WITHIN:.0f} s")
    finally:
        await connection.close()


async def execute(dsn: str, statement: str, *arguments: object) -> None:
    """Execute one statement."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def select_number(dsn: str, query: str, *arguments: object) -> int:
    """Return the one number that the query selects."""
    connection = await asyncpg.connect(dsn)
    try:
        answer: int = await connection.fetchval(query, *arguments)
        return answer
    finally:
        await connection.close()
