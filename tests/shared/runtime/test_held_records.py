"""Operators list held records in pages and count them up to a limit; both use indexes."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.bus import dead_letters
from shared.http.app import create_app
from shared.runtime import held_records
from shared.runtime.held_records import held_router
from shared.store import counting
from shared.store.database import Database
from tests.stack.plans import assert_indexed

pytestmark = pytest.mark.asyncio
OPERATOR = "operator-key-of-the-test"
FILL = """
INSERT INTO held (consumer, topic, partition, record_offset, headers, account_id, contact_id, state, reason)
SELECT 'labels', 'tracking.clicks', 0, n, '', 1, n, CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'waiting' END, 'unknown'
FROM generate_series(1, $1::integer) AS n
"""


@pytest_asyncio.fixture
async def database(migrated_dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(migrated_dsn)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("Penchant test", None, database, description="", operator_key=SecretStr(OPERATOR))
    app.include_router(held_router("tracking", database))
    headers = {"authorization": f"Bearer {OPERATOR}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tracking", headers=headers) as client:
        yield client


async def test_pages_list_each_record_once_in_order(http: httpx.AsyncClient, database: Database) -> None:
    await database.pool.execute(FILL, 3000)
    offsets, cursor = [], None
    while True:
        parameters = {"state": "failed", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/v1/tracking-held-records", params=parameters)).json()
        assert page["total"] == 3
        offsets += [item["offset"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert offsets == [1000, 2000, 3000]


async def test_the_total_is_null_above_the_limit(
    http: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.pool.execute(FILL, 3000)
    assert (await http.get("/v1/tracking-held-records")).json()["total"] == 3000
    monkeypatch.setattr(counting, "MOST_COUNTED", 2000)
    assert (await http.get("/v1/tracking-held-records")).json()["total"] is None
    assert (await http.get("/v1/tracking-held-records?state=failed")).json()["total"] == 3


async def test_an_unknown_state_and_a_forged_cursor_are_refused(http: httpx.AsyncClient) -> None:
    for query, pointer in (("state=lost", "/query/state"), ("cursor=17", "/query/cursor")):
        answer = await http.get(f"/v1/tracking-held-records?{query}")
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_lists_and_counts_use_indexes(database: Database) -> None:
    queries = {**held_records.QUERIES, "metrics": dead_letters.QUERIES["count_held"]}
    of_state = [queries.pop(name) for name in ("list_held_in_state", "count_held_in_state")]
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL.replace("$1::integer", "50000"))
        await connection.execute("ANALYZE held")
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")  # as when few records have the state
        values = {"state": "failed", "after": 0, "limit": 101, "most": 10_001}
        for query in of_state:
            rows = await connection.fetch(
                f"EXPLAIN {query.text}", *query.arguments({n: values[n] for n in query.parameters})
            )
            assert "held_by_state" in "\n".join(row[0] for row in rows), query.name
        await assert_indexed(connection, queries.values(), ["held"], {})
