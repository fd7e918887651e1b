-- name: runs_running
SELECT *
FROM runs
WHERE state IN ('running', 'blocked') AND (account_id, contact_id) IN (SELECT * FROM unnest(:account_ids::int[], :contact_ids::bigint[]))
ORDER BY started_at, run_id

-- name: runs_due
-- The earliest of each partition number; those of workflows that are behind in it wait.
SELECT due.*
FROM unnest(:partitions::smallint[]) AS p (partition)
CROSS JOIN LATERAL (
    SELECT *
    FROM runs
    WHERE
        runs.partition = p.partition
        AND runs.due_at <= :now
        AND NOT EXISTS (
            SELECT FROM backlog b WHERE b.partition = p.partition AND b.workflow_id = runs.workflow_id
        )
    ORDER BY runs.due_at
    LIMIT :limit
) AS due

-- name: next_due
-- When the first run of each partition number is due; those of workflows that are behind in it wait.
SELECT p.partition, due.due_at
FROM unnest(:partitions::smallint[]) AS p (partition)
CROSS JOIN LATERAL (
    SELECT runs.due_at
    FROM runs
    WHERE
        runs.partition = p.partition
        AND runs.due_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM backlog b WHERE b.partition = p.partition AND b.workflow_id = runs.workflow_id
        )
    ORDER BY runs.due_at
    LIMIT 1
) AS due

-- name: open_runs_of_workflow
SELECT *
FROM runs
WHERE workflow_id = :workflow_id AND partition = :partition AND state IN ('running', 'blocked')
LIMIT :limit

-- name: blocked_steps
-- The steps at which runs are blocked; whether they still are does not depend on the contact.
SELECT DISTINCT partition, workflow_id, version, step_id
FROM runs
WHERE
    partition = ANY(:partitions::smallint[])
    AND state = 'blocked'
    AND NOT EXISTS (SELECT FROM backlog b WHERE b.partition = runs.partition AND b.workflow_id = runs.workflow_id)
ORDER BY partition

-- name: runs_blocked
SELECT *
FROM runs
WHERE
    partition = :partition
    AND workflow_id = :workflow_id
    AND version = :version
    AND step_id = :step_id
    AND state = 'blocked'
LIMIT :limit

-- name: deletions
SELECT partition, workflow_id
FROM deletions
WHERE partition = ANY(:partitions::smallint[])
ORDER BY partition, workflow_id

-- name: begin_deletion
INSERT INTO deletions (workflow_id, partition)
SELECT :workflow_id, p.partition FROM generate_series(0, :partitions::int - 1) AS p (partition)
ON CONFLICT DO NOTHING

-- name: end_deletion
DELETE FROM deletions WHERE workflow_id = :workflow_id AND partition = :partition

-- name: runs_existing
SELECT run_id FROM runs WHERE run_id = ANY(:run_ids::uuid[])

-- name: past_of_pairs
-- How often each contact started each workflow, and how many of those runs are open; "stopped" runs never started.
SELECT
    r.workflow_id,
    r.contact_id,
    count(*) FILTER (WHERE r.state <> 'stopped') AS started,
    count(*) FILTER (WHERE r.state IN ('running', 'blocked')) AS running
FROM runs r
JOIN (SELECT DISTINCT * FROM unnest(:workflow_ids::uuid[], :contact_ids::bigint[])) AS p (workflow_id, contact_id)
    ON p.workflow_id = r.workflow_id AND p.contact_id = r.contact_id
GROUP BY r.workflow_id, r.contact_id

-- name: depths
SELECT run_id, depth FROM runs WHERE run_id = ANY(:run_ids::uuid[])

-- name: effects_of_events
SELECT event_id, run_id FROM effects WHERE event_id = ANY(:event_ids::uuid[])

-- name: update_runs
UPDATE runs
SET
    state = c.state,
    step_id = c.step_id,
    since = c.since,
    due_at = c.due_at,
    steps_taken = c.steps_taken,
    taken = c.taken::uuid[],
    cause_event = c.cause_event,
    correlation_id = c.correlation_id,
    trace = c.trace,
    ended_at = c.ended_at,
    reason = c.reason
FROM unnest(
    :run_ids::uuid[], :states::text[], :step_ids::text[], :since::timestamptz[], :due_at::timestamptz[], :steps_taken::int[], :taken::text[],
    :cause_events::text[], :correlation_ids::text[], :traces::text[], :ended_at::timestamptz[], :reasons::text[]
) AS c (
    run_id, state, step_id, since, due_at, steps_taken, taken, cause_event, correlation_id, trace, ended_at, reason
)
WHERE runs.run_id = c.run_id

-- name: set_version
UPDATE runs SET version = :version WHERE run_id = :run_id

-- name: blank_what_was_seen
-- The values that conditions read about erased contacts may be personal data.
WITH gone AS (
    UPDATE runs
    SET saw = NULL
    FROM unnest(:account_ids::int[], :contact_ids::bigint[]) AS c (account_id, contact_id)
    WHERE
        runs.workflow_id = ANY(:workflow_ids::uuid[])
        AND runs.account_id = c.account_id
        AND runs.contact_id = c.contact_id
    RETURNING runs.run_id
)
UPDATE run_steps SET saw = NULL FROM gone WHERE run_steps.run_id = gone.run_id AND run_steps.saw IS NOT NULL

-- name: keep_alive
-- The server terminates a transaction that is idle for 5 s; a large batch on a busy machine may compute so long.
SELECT

-- name: announce_due
SELECT pg_notify(:channel, '')
