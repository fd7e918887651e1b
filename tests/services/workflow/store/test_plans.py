"""PostgreSQL's plans for the statements that run often, on large tables."""

import re

import pytest

from shared.store.database import Database
from tests.stack.plans import assert_indexed, plan_of, statements

pytestmark = pytest.mark.asyncio

# 20,000 runs of 30 workflows, few of them open; 20,000 events of 20 accounts; 20,000 contacts.
FILL = """
INSERT INTO runs (
    run_id, workflow_id, version, account_id, contact_id, partition, state, step_id, since, due_at, steps_taken, taken,
    trigger_type, trigger_event, trigger_occurred_at, trigger_recorded_at, depth, started_at, cause_event, trigger_body
)
SELECT
    gen_random_uuid(), lpad(to_hex(n % 30), 32, '0')::uuid, 1, 1, n % 8000, n % 12,
    CASE WHEN n % 50 = 0 THEN 'running' WHEN n % 500 = 1 THEN 'blocked' ELSE 'finished' END, 'wait', now(),
    CASE WHEN n % 50 = 0 THEN now() + n * interval '1 minute' END, 1, '{}', 'LabelAssigned', gen_random_uuid(), now(),
    now(), 0, now() - n * interval '1 second', '', ''
FROM generate_series(1, 20000) AS n;

INSERT INTO run_steps (run_id, number, step_id, kind, at, result, cause_event, workflow_id, outcome)
SELECT run_id, 1, 'guide', 'send', started_at, '{}', '', workflow_id, 'sent' FROM runs;

INSERT INTO run_clicks (run_id, message_id, workflow_id, step_id, at)
SELECT run_id, gen_random_uuid(), workflow_id, 'guide', started_at FROM runs;

INSERT INTO effects (event_id, run_id, type, occurred_at, by_run)
SELECT gen_random_uuid(), run_id, 'AssignLabel', now(), true FROM runs;

INSERT INTO occurrences (partition, account_id, contact_id, recorded_at, topic, type, body)
SELECT n % 12, n % 20, n % 5000, now() - (20000 - n) * interval '30 seconds', 'tracking.clicks', 'ContactClicked', ''
FROM generate_series(1, 20000) AS n;

INSERT INTO contacts (projection, account_id, contact_id, partition, facts, segments)
SELECT 1, n % 2, n, n % 12, '{}', '{}' FROM generate_series(1, 20000) AS n;

ANALYZE;
"""
LARGE = ("runs", "run_steps", "run_clicks", "effects", "occurrences", "contacts")
# Housekeeping reads all contacts of a partition number once an hour.
RARE = {"delete_older_projections", "count_existing"}
# The index that each of these statements must use.
INDEXES = {
    "runs_running": "runs_open_of_contact",
    "runs_due": "runs_due",
    "open_runs_of_workflow": "runs_open_of_workflow",
    "blocked_steps": "runs_blocked",
    "runs_blocked": "runs_blocked",
    "runs_by_outcome": "run_steps_of_step",
    "runs_clicked": "run_clicks_of_step",
    "occurrences_after": "occurrences_of_account",
    "occurrences_of_account": "occurrences_of_account",
}
MODULES = ("backlog", "contacts", "counts", "definitions", "occurrences", "run_history", "runs")


async def test_frequent_statements_use_indexes_and_scan_no_large_table(database: Database) -> None:
    often = [query for query in statements("workflow", MODULES) if query.name not in RARE]
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL)
        await assert_indexed(connection, often, LARGE, INDEXES)


@pytest.mark.parametrize("table", ["run_counts", "step_counts"])
async def test_statistics_read_only_their_counters(database: Database, table: str) -> None:
    [query] = [one for one in statements("workflow", ["counts"]) if one.name == table]
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL)
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        plan = await plan_of(connection, query)
    read = {name.removesuffix("_pkey") for name in re.findall(r"Scan.* on (\w+)", plan)}
    assert read == {table}, plan
