"""PostgreSQL's generic plans for the statements of a service's store."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module

from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import Query, queries_of


def statements(service: str, modules: Iterable[str]) -> Iterator[Query]:
    """Yield the statements of modules of the service's store."""
    for name in modules:
        module = import_module(f"services.{service}.store.{name}")
        assert module.__file__ is not None
        yield from queries_of(module.__file__).values()


async def assert_indexed(
    connection: PoolConnectionProxy, queries: Iterable[Query], large: Collection[str], indexes: Mapping[str, str]
) -> None:
    """Fail for a statement that reads all of a `large` table, or that does not use the index named in `indexes`."""
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    for query in queries:
        plan = await plan_of(connection, query)
        assert indexes.get(query.name, "") in plan, f"{query.name}\n{plan}"
        read = [table for table in large if f"Seq Scan on {table}" in plan]
        assert not read, f"{query.name} reads all of {read}\n{plan}"


async def plan_of(connection: PoolConnectionProxy, query: Query) -> str:
    """Return the generic plan of a statement, which does not depend on its parameters."""
    await connection.execute(f"PREPARE statement AS {query.text}")
    values = ", ".join(["NULL"] * len(query.parameters))
    rows = await connection.fetch("EXPLAIN EXECUTE statement" + (f" ({values})" if values else ""))
    await connection.execute("DEALLOCATE statement")
    return "\n".join(row[0] for row in rows)
