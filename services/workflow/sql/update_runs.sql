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
    $1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::text[]
) AS c (
    run_id, state, step_id, since, due_at, steps_taken, taken, cause_event, correlation_id, trace, ended_at, reason
)
WHERE runs.run_id = c.run_id
