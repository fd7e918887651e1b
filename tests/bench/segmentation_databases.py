"""The same count in SQL, on the same rows: PostgreSQL with the best index, and DuckDB."""

from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

import asyncpg
import duckdb

from tests.bench.segmentation_image import TODAY

TABLES = (
    "CREATE UNLOGGED TABLE contacts (contact_id integer PRIMARY KEY, city text NOT NULL)",
    "CREATE UNLOGGED TABLE clicks (contact_id integer NOT NULL, label smallint NOT NULL, day date NOT NULL)",
    "CREATE UNLOGGED TABLE engagements (contact_id integer NOT NULL, kind text NOT NULL, ref text NOT NULL)",
)
INDEXES = (
    "CREATE INDEX ON clicks (label, day, contact_id)",
    "CREATE INDEX ON engagements (kind, ref, contact_id)",
    "CREATE INDEX ON contacts (city, contact_id)",
    "VACUUM ANALYZE clicks",
    "VACUUM ANALYZE contacts",
    "VACUUM ANALYZE engagements",
)
FIRST_DAY = date.fromordinal(TODAY) - timedelta(days=29)
COUNT = f"""
SELECT count(*) FROM (
    SELECT contact_id FROM clicks WHERE label = 0 AND day >= DATE '{FIRST_DAY}' GROUP BY contact_id HAVING count(*) >= 3
) AS clicked
JOIN contacts USING (contact_id)
WHERE city IN ('city 1', 'city 2', 'city 3')
  AND NOT EXISTS (
    SELECT 1 FROM engagements e
    WHERE e.contact_id = clicked.contact_id AND kind = 'form.submitted' AND ref = 'contest'
  )
"""
REPETITIONS = 5


async def in_postgres(dsn: str, rows: Path) -> tuple[int, float]:
    """Return the count, and the shortest time of several queries in milliseconds."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in TABLES:
            await connection.execute(statement)
        for table in ("contacts", "clicks", "engagements"):
            await connection.copy_to_table(table, source=rows / f"{table}.csv", format="csv")
        for statement in INDEXES:
            await connection.execute(statement)
        best, count = float("inf"), 0
        for _ in range(REPETITIONS):
            started = perf_counter()
            count = await connection.fetchval(COUNT)
            best = min(best, (perf_counter() - started) * 1000)
        return count, best
    finally:
        await connection.close()


def in_duckdb(rows: Path) -> tuple[int, float]:
    """Return the count, and the shortest time of several queries in milliseconds."""
    connection = duckdb.connect()
    try:
        for statement in TABLES:
            connection.execute(statement.replace("UNLOGGED ", ""))
        for table in ("contacts", "clicks", "engagements"):
            connection.execute(f"COPY {table} FROM '{rows / f'{table}.csv'}' (HEADER false)")
        best, count = float("inf"), 0
        for _ in range(REPETITIONS):
            started = perf_counter()
            [count] = connection.execute(COUNT).fetchone() or [0]
            best = min(best, (perf_counter() - started) * 1000)
        return count, best
    finally:
        connection.close()
