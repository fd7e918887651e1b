-- what came of the steps that were taken before; apart from the new columns, whose lock nobody may wait for that long
-- depends: workflow-0004-step-outcomes

-- migrate: apply

UPDATE run_steps s
SET workflow_id = r.workflow_id, outcome = step_outcome(s.kind, s.result::jsonb)
FROM runs r
WHERE r.run_id = s.run_id AND s.workflow_id IS NULL;

UPDATE run_clicks c
SET workflow_id = s.workflow_id, step_id = s.step_id, at = s.at
FROM (
    SELECT DISTINCT ON (run_id, message_id)
        run_id, (result::jsonb ->> 'message_id')::uuid AS message_id, workflow_id, step_id, at
    FROM run_steps
    WHERE outcome = 'sent'
    ORDER BY run_id, message_id, number
) AS s
WHERE s.run_id = c.run_id AND s.message_id = c.message_id AND c.workflow_id IS NULL;

CREATE INDEX run_steps_of_step ON run_steps (workflow_id, step_id, outcome, at, run_id);
CREATE INDEX run_clicks_of_step ON run_clicks (workflow_id, step_id, at, run_id);

-- migrate: rollback

DROP INDEX run_clicks_of_step;
DROP INDEX run_steps_of_step;
