"""Named queries: the SQL of a store module is in a file of the same name beside it.

A file has any number of queries. Each begins with a line `-- name: <name>`; the comment lines below it say what the
query is for. Parameters are written `:account_id` and passed by name:

    QUERIES = queries_of(__file__)
    rows = await QUERIES["contacts_of_account"].fetch(connection, account_id=1, after=0, limit=100)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Executor = PoolConnectionProxy | asyncpg.Connection | asyncpg.Pool

_NAME = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)
# Texts, quoted names, comments and casts come first, so that `:` in them does not begin a parameter.
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|::|(?<![:\w\]]):(?P<parameter>[a-z_]\w*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with `$1` … in place of its `parameters`, which are in that order."""

    name: str
    text: str
    parameters: tuple[str, ...]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of the parameters. Raises TypeError for a missing or unknown one."""
        if values.keys() != set(self.parameters):
            raise TypeError(f"query {self.name} takes {', '.join(self.parameters)}, not {', '.join(values)}")
        return [values[parameter] for parameter in self.parameters]

    async def fetch(self, connection: Executor, **values: Any) -> list[asyncpg.Record]:
        """Return all rows."""
        return await connection.fetch(self.text, *self.arguments(values))

    async def fetchrow(self, connection: Executor, **values: Any) -> asyncpg.Record | None:
        """Return the first row, or None if there are no rows."""
        return await connection.fetchrow(self.text, *self.arguments(values))

    async def fetchval(self, connection: Executor, **values: Any) -> Any:  # noqa: ANN401 - as the column is
        """Return the first column of the first row, or None if there are no rows."""
        return await connection.fetchval(self.text, *self.arguments(values))

    async def execute(self, connection: Executor, **values: Any) -> int:
        """Run the statement; return the number of changed rows."""
        status = await connection.execute(self.text, *self.arguments(values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


def queries_of(module: str) -> dict[str, Query]:
    """Read the `.sql` file beside a module, given the module's `__file__`.

    Raises ValueError for two queries with the same name, and for text before the first query that is not a comment.
    """
    return parse_queries(Path(module).with_suffix(".sql").read_text(encoding="utf-8"))


def parse_queries(text: str) -> dict[str, Query]:
    """Split a file's text into its queries, by name."""
    preamble, *names_and_bodies = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in preamble.splitlines()):
        raise ValueError("a query file begins with comments or a `-- name:` line")
    queries: dict[str, Query] = {}
    for name, body in zip(names_and_bodies[::2], names_and_bodies[1::2], strict=True):
        if name in queries:
            raise ValueError(f"two queries are named {name}")
        queries[name] = _parse_query(name, body)
    return queries


def _parse_query(name: str, body: str) -> Query:
    parameters: dict[str, int] = {}

    def placeholder(match: re.Match[str]) -> str:
        parameter = match["parameter"]
        return match[0] if parameter is None else f"${parameters.setdefault(parameter, len(parameters) + 1)}"

    text = _TOKEN.sub(placeholder, body.strip())
    return Query(name, text, tuple(parameters))
