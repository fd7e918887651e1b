"""Frequent statements are planned with indexes on large tables."""

from collections.abc import Iterable, Sequence

import pytest
from asyncpg.pool import PoolConnectionProxy

from services.labeling.store.assignments import QUERIES
from shared.store.database import Database
from tests.stack.plans import assert_indexed, statements

pytestmark = pytest.mark.asyncio
FILL = """
INSERT INTO assignments
    (label_no, contact_id, click_supports, clicks, first_click, last_click, since, withdrawn_by_self)
SELECT label_no, contact_id, 1, 1, now(), now(), now(), false
FROM generate_series(1, 10) AS label_no, generate_series(1, 30000) AS contact_id
"""


async def plan_of(connection: PoolConnectionProxy, query: str, types: str, arguments: str) -> str:
    """Execute the statement until the server may use a generic plan; return the plan that it has chosen."""
    await connection.execute(f"PREPARE statement ({types}) AS {query}")
    for _ in range(6):
        await connection.execute(f"EXECUTE statement ({arguments})")
    rows = await connection.fetch(f"EXPLAIN EXECUTE statement ({arguments})")
    await connection.execute("DEALLOCATE statement")
    return "\n".join(row[0] for row in rows)


def literal(values: Iterable[object], array: str) -> str:
    return f"'{{{','.join(map(str, values))}}}'::{array}"


PAIRS = [literal((n % 10 + 1 for n in range(5000)), "integer[]"), literal(range(0, 25000, 5), "bigint[]")]
CLICKS = [literal([1] * 5000, "integer[]"), literal(["2026-03-01"] * 5000, "timestamptz[]")]


@pytest.mark.parametrize(
    ("name", "types", "arguments"),
    [
        ("assignments_of_pairs", "integer[], bigint[]", PAIRS),
        ("confirm_assignments", "integer[], bigint[], integer[], timestamptz[]", PAIRS + CLICKS),
    ],
)
async def test_assignments_are_looked_up_by_the_primary_key(
    database: Database, name: str, types: str, arguments: Sequence[str]
) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL)
        await connection.execute("ANALYZE assignments")
        plan = await plan_of(connection, QUERIES[name].text, types, ", ".join(arguments))
    assert "Index Scan using assignments_pkey" in plan, plan
    assert "Seq Scan" not in plan, plan


# 20,000 accounts, of which 20 have 1,000 suppressions, and 1,000 engagements and their reports each.
OF_ACCOUNTS = """
INSERT INTO accounts (name, time_zone) SELECT 'Shop', 'UTC' FROM generate_series(1, 20000);

INSERT INTO engagement_seen (account_id, source_no, key)
SELECT n % 20, 1, sha256(n::text::bytea) FROM generate_series(1, 20000) AS n;

INSERT INTO engagements (account_id, contact_id, event_id, occurred_at, kind, attributes)
SELECT n % 20, n % 500, gen_random_uuid(), now(), 'form.submitted', '{}' FROM generate_series(1, 20000) AS n;

INSERT INTO suppressions (suppression_id, account_id, hash, key_id, version, origin)
SELECT gen_random_uuid(), account_id, sha256((account_id * 1000 + n)::text::bytea), 'k', 1, '{}'
FROM generate_series(1, 20) AS account_id, generate_series(1, 1000) AS n;

ANALYZE;
"""
LARGE = ("accounts", "engagement_seen", "engagements", "suppressions")
INDEXES = {
    "insert_identities": "engagement_seen_pkey",
    "count_suppressions": "suppressions_account",
    "count_accounts": "accounts_pkey",
}


async def test_accounts_reports_and_suppressions_are_looked_up_by_indexes(database: Database) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(OF_ACCOUNTS)
        await assert_indexed(
            connection, statements("labeling", ("accounts", "engagements", "suppressions")), LARGE, INDEXES
        )


# 3 imports of 10,000 rows each: one in 100 is refused, skipped, a duplicate, or has a suppressed address.
IMPORTS = """
INSERT INTO import_rows (import_id, generation, number, cells, outcome, suppressed, email_hash, external_hash)
SELECT
    import_id::uuid, 1, n, '[]',
    CASE n % 100 WHEN 0 THEN 'error' WHEN 1 THEN 'skipped' WHEN 2 THEN 'duplicate' ELSE 'create' END,
    n % 100 = 3, sha256((import_id || n)::bytea), sha256((import_id || -n)::bytea)
FROM
    (SELECT gen_random_uuid()::text AS import_id FROM generate_series(1, 3)) AS files,
    generate_series(1, 10000) AS n;

INSERT INTO import_errors (import_id, generation, number, place, code, detail)
SELECT import_id, 1, number, place, 'invalid', 'is wrong'
FROM import_rows, generate_series(1, 10) AS place
WHERE outcome = 'error';
"""
ROWS = {
    "rows_after": "import_rows_pkey",
    "rows_of_outcome": "import_rows_outcome",
    "suppressed_rows": "import_rows_suppressed",
    "reasons_of_rows": "import_errors_pkey",
    "refused_rows": "import_errors_pkey",
}


async def test_rows_of_an_import_are_looked_up_by_indexes(database: Database) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(IMPORTS)
        # Without statistics, as in the first check after an installation; the statement runs for each checked row.
        (known,) = (query for query in statements("labeling", ["imports"]) if query.name == "known_hashes")
        for index in ("import_rows_email_hash", "import_rows_external_hash"):
            await assert_indexed(connection, [known], ["import_rows"], {known.name: index})
        await connection.execute("ANALYZE import_rows, import_errors")
        queries = [query for query in statements("labeling", ["imports"]) if query.name in ROWS]
        assert len(queries) == len(ROWS)
        await assert_indexed(connection, [known, *queries], ["import_rows", "import_errors"], ROWS)
