-- name: runs_listed
SELECT *
FROM runs
WHERE
    workflow_id = :workflow_id
    AND (:contact_id::bigint IS NULL OR contact_id = :contact_id)
    AND (:state::text IS NULL OR state = :state)
    AND (:step_id::text IS NULL OR (step_id = :step_id AND state IN ('running', 'blocked')))
    AND (:started_at::timestamptz IS NULL OR (started_at, trigger_event) < (:started_at, :trigger_event::uuid))
ORDER BY started_at DESC, trigger_event DESC
LIMIT :limit

-- name: runs_by_outcome
-- Newest first by the time of the step; within an outcome the index is in that order. Runs are looked up one by one: a
-- join might read all of them.
SELECT r.*, o.at
FROM unnest(:outcomes::text[]) AS wanted (outcome)
CROSS JOIN LATERAL (
    SELECT s.run_id, s.at
    FROM run_steps s
    WHERE
        s.workflow_id = :workflow_id
        AND s.step_id = :step_id
        AND s.outcome = wanted.outcome
        AND (:contact_id::bigint IS NULL OR :contact_id = (SELECT contact_id FROM runs WHERE run_id = s.run_id))
        AND (:state::text IS NULL OR :state = (SELECT state FROM runs WHERE run_id = s.run_id))
        AND (:at::timestamptz IS NULL OR (s.at, s.run_id) < (:at, :run_id::uuid))
    ORDER BY s.at DESC, s.run_id DESC
    LIMIT :limit
) AS o
JOIN runs r ON r.run_id = o.run_id
ORDER BY o.at DESC, o.run_id DESC
LIMIT :limit

-- name: runs_clicked
SELECT r.*, o.at
FROM (
    SELECT c.run_id, c.at
    FROM run_clicks c
    WHERE
        c.workflow_id = :workflow_id
        AND c.step_id = :step_id
        AND (:contact_id::bigint IS NULL OR :contact_id = (SELECT contact_id FROM runs WHERE run_id = c.run_id))
        AND (:state::text IS NULL OR :state = (SELECT state FROM runs WHERE run_id = c.run_id))
        AND (:at::timestamptz IS NULL OR (c.at, c.run_id) < (:at, :run_id::uuid))
    ORDER BY c.at DESC, c.run_id DESC
    LIMIT :limit
) AS o
JOIN runs r ON r.run_id = o.run_id
ORDER BY o.at DESC, o.run_id DESC

-- name: count_runs
SELECT count(*)
FROM runs
WHERE workflow_id = :workflow_id AND contact_id = :contact_id AND (:state::text IS NULL OR state = :state)

-- name: run_of_id
SELECT * FROM runs WHERE run_id = :run_id AND account_id = :account_id

-- name: run_steps
SELECT number, step_id, kind, at, saw, result, cause_event FROM run_steps WHERE run_id = :run_id ORDER BY number

-- name: run_effects
SELECT e.event_id, e.type, e.step_id, e.caused_by, e.occurred_at, e.by_run,
    ARRAY(
        SELECT json_build_object('run_id', r.run_id, 'workflow_id', r.workflow_id, 'state', r.state)
        FROM runs r
        WHERE r.trigger_event = e.event_id
        ORDER BY r.started_at, r.run_id
    ) AS started
FROM effects e
WHERE e.run_id = :run_id
ORDER BY e.occurred_at, e.event_id
