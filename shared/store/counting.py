"""Counts that lists show: exact up to a limit, so that no page of a list costs more than that."""

from shared.store.queries import Executor, Query

MOST_COUNTED = 10_000


async def count_up_to_most(query: Query, connection: Executor, **values: object) -> int | None:
    """Return what `query` counts, or None if that is more than MOST_COUNTED.

    The query counts `FROM (SELECT … LIMIT :most)`, in the order of an index, and so never reads further.
    """
    found: int = await query.fetchval(connection, **values, most=MOST_COUNTED + 1)
    return found if found <= MOST_COUNTED else None
