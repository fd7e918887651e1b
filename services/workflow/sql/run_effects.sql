SELECT e.event_id, e.type, e.step_id, e.caused_by, e.occurred_at, e.by_run,
    ARRAY(
        SELECT json_build_object('run_id', r.run_id, 'workflow_id', r.workflow_id, 'state', r.state)
        FROM runs r
        WHERE r.trigger_event = e.event_id
        ORDER BY r.started_at, r.run_id
    ) AS started
FROM effects e
WHERE e.run_id = $1
ORDER BY e.occurred_at, e.event_id
