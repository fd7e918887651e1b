-- name: add_run_counts
INSERT INTO run_counts (workflow_id, partition, state, number)
SELECT c.workflow_id, c.partition, c.state, c.number
FROM unnest(:partitions::smallint[], :workflow_ids::uuid[], :states::text[], :numbers::bigint[])
    AS c (partition, workflow_id, state, number)
ON CONFLICT (workflow_id, partition, state) DO UPDATE SET number = run_counts.number + excluded.number

-- name: add_step_counts
INSERT INTO step_counts (
    workflow_id, step_id, partition, passed, waiting, sent, not_sent, clicked, went_then, went_else
)
SELECT
    c.workflow_id, c.step_id, c.partition, c.passed, c.waiting, c.sent, c.not_sent, c.clicked, c.went_then, c.went_else
FROM unnest(
    :partitions::smallint[], :workflow_ids::uuid[], :step_ids::text[], :passed::bigint[], :waiting::bigint[],
    :sent::bigint[], :not_sent::bigint[], :clicked::bigint[], :went_then::bigint[], :went_else::bigint[]
) AS c (partition, workflow_id, step_id, passed, waiting, sent, not_sent, clicked, went_then, went_else)
ON CONFLICT (workflow_id, step_id, partition) DO UPDATE SET
    passed = step_counts.passed + excluded.passed,
    waiting = step_counts.waiting + excluded.waiting,
    sent = step_counts.sent + excluded.sent,
    not_sent = step_counts.not_sent + excluded.not_sent,
    clicked = step_counts.clicked + excluded.clicked,
    went_then = step_counts.went_then + excluded.went_then,
    went_else = step_counts.went_else + excluded.went_else

-- name: run_counts
SELECT workflow_id, state, sum(number) AS number
FROM run_counts
WHERE workflow_id = ANY(:workflow_ids::uuid[])
GROUP BY workflow_id, state
HAVING sum(number) <> 0

-- name: step_counts
SELECT
    step_id, sum(passed) AS passed, sum(waiting) AS waiting, sum(sent) AS sent, sum(not_sent) AS not_sent,
    sum(clicked) AS clicked, sum(went_then) AS went_then, sum(went_else) AS went_else
FROM step_counts
WHERE workflow_id = :workflow_id
GROUP BY step_id

-- name: first_clicks
-- Only for messages that a run sent, because a send may have any id.
WITH sent AS (
    SELECT c.run_id, c.message_id, r.partition, r.workflow_id, s.step_id
    FROM unnest(:run_ids::uuid[], :message_ids::uuid[]) AS c (run_id, message_id)
    JOIN runs r ON r.run_id = c.run_id
    CROSS JOIN LATERAL (
        SELECT s.step_id
        FROM run_steps s
        WHERE s.run_id = c.run_id AND s.kind = 'send' AND s.result::jsonb ->> 'message_id' = c.message_id::text
        ORDER BY s.number
        LIMIT 1
    ) AS s
),
noted AS (
    INSERT INTO run_clicks (run_id, message_id, workflow_id, step_id, at)
    SELECT run_id, message_id, workflow_id, step_id, :now::timestamptz FROM sent
    ON CONFLICT DO NOTHING
    RETURNING run_id, message_id
)
SELECT sent.partition, sent.workflow_id, sent.step_id FROM noted JOIN sent USING (run_id, message_id)
