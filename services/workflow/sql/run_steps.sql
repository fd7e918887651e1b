SELECT number, step_id, kind, at, saw, result, cause_event FROM run_steps WHERE run_id = $1 ORDER BY number
