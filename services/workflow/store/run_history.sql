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
