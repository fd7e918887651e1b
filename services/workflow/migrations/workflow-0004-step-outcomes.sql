-- what came of each step of a run, so that every number at a step leads to its runs
-- depends: workflow-0003-counts

-- migrate: apply

-- Code before this version leaves them null.
ALTER TABLE run_steps ADD COLUMN workflow_id uuid, ADD COLUMN outcome text;

UPDATE run_steps s
SET
    workflow_id = r.workflow_id,
    outcome = CASE
        WHEN s.kind = 'exit_on' THEN 'ended'
        WHEN s.result::jsonb ? 'failed' THEN 'failed'
        WHEN s.result::jsonb ? 'idempotency_key' THEN 'sent'
        WHEN s.result::jsonb ? 'not_sent' THEN 'not_sent'
        ELSE coalesce(s.result::jsonb ->> 'branch', 'done')
    END
FROM runs r
WHERE r.run_id = s.run_id;

CREATE INDEX run_steps_of_step ON run_steps (workflow_id, step_id, outcome, at, run_id);

-- The step whose message was clicked, and when that was noted first.
ALTER TABLE run_clicks ADD COLUMN workflow_id uuid, ADD COLUMN step_id text, ADD COLUMN at timestamptz;

UPDATE run_clicks c
SET workflow_id = s.workflow_id, step_id = s.step_id, at = s.at
FROM (
    SELECT DISTINCT ON (run_id, message_id) run_id, (result::jsonb ->> 'message_id')::uuid AS message_id, workflow_id, step_id, at
    FROM run_steps
    WHERE outcome = 'sent'
    ORDER BY run_id, message_id, number
) AS s
WHERE s.run_id = c.run_id AND s.message_id = c.message_id;

CREATE INDEX run_clicks_of_step ON run_clicks (workflow_id, step_id, at, run_id);

-- migrate: rollback

DROP INDEX run_clicks_of_step;
ALTER TABLE run_clicks DROP COLUMN workflow_id, DROP COLUMN step_id, DROP COLUMN at;
DROP INDEX run_steps_of_step;
ALTER TABLE run_steps DROP COLUMN workflow_id, DROP COLUMN outcome;
