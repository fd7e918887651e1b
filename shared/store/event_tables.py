"""Creates the partitions of the event table, by ranges of positions, always one ahead."""

from asyncpg.pool import PoolConnectionProxy

from shared.store.locks import LockClass
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

POSITIONS = 10_000_000  # per table: a few GB, an index that stays in memory
AHEAD = 2  # tables beyond the current one


async def extend_event_tables(connection: PoolConnectionProxy) -> None:
    """Create the tables that the next positions will need. May run in several processes at once."""
    async with connection.transaction():
        await QUERIES["lock_event_tables"].execute(connection, lock_class=LockClass.EVENT_TABLES)
        last: int = await QUERIES["last_position"].fetchval(connection)
        present = {row["name"] for row in await QUERIES["event_tables"].fetch(connection)}
        for number in range(last // POSITIONS, last // POSITIONS + AHEAD + 1):
            name = f"events_{number}"
            if name not in present:
                # ATTACH instead of PARTITION OF, which would briefly lock out all transactions that append.
                await connection.execute(f"CREATE TABLE {name} (LIKE events INCLUDING ALL)")
                await connection.execute(
                    f"ALTER TABLE events ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ({number * POSITIONS}) TO ({(number + 1) * POSITIONS})"
                )
