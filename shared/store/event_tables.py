"""The partitions of the event table, by ranges of positions; always one more than is needed."""

from asyncpg.pool import PoolConnectionProxy

from shared.store.runtime_queries import QUERIES

POSITIONS = 10_000_000  # per table: a few GB, an index that stays in memory
AHEAD = 2  # tables beyond the current one


async def extend_event_tables(connection: PoolConnectionProxy) -> None:
    """Creates the tables that the next positions will need. May run in several processes at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(2, 0)")
        last: int = await connection.fetchval(QUERIES["last_position"])
        present = {row["name"] for row in await connection.fetch(QUERIES["event_tables"])}
        for number in range(last // POSITIONS, last // POSITIONS + AHEAD + 1):
            name = f"events_{number}"
            if name not in present:
                # Attaching, not PARTITION OF: that would lock out all who append for a moment.
                await connection.execute(f"CREATE TABLE {name} (LIKE events INCLUDING ALL)")
                await connection.execute(
                    f"ALTER TABLE events ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ({number * POSITIONS}) TO ({(number + 1) * POSITIONS})"
                )
