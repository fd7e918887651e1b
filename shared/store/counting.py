"""Total counts of lists: exact up to a limit, so that counting is never expensive."""

from shared.store.queries import Executor, Query

MOST_COUNTED = 10_000


async def count_up_to_most(query: Query, connection: Executor, **values: object) -> int | None:
    """Return the count of `query`, or None if it is above MOST_COUNTED.

    The query counts `FROM (SELECT … LIMIT :most)` in the order of an index, so it never reads further.
    """
    count: int = await query.fetchval(connection, **values, most=MOST_COUNTED + 1)
    return count if count <= MOST_COUNTED else None
