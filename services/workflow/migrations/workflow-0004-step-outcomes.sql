-- what came of each step of a run, so that every number at a step leads to its runs
-- depends: workflow-0003-counts

-- migrate: apply

ALTER TABLE run_steps ADD COLUMN workflow_id uuid, ADD COLUMN outcome text;

-- The step whose message was clicked, and when that was noted first.
ALTER TABLE run_clicks ADD COLUMN workflow_id uuid, ADD COLUMN step_id text, ADD COLUMN at timestamptz;

CREATE FUNCTION step_outcome(kind text, result jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN kind = 'exit_on' THEN 'ended'
        WHEN result ? 'failed' THEN 'failed'
        WHEN result ? 'idempotency_key' THEN 'sent'
        WHEN result ? 'not_sent' THEN 'not_sent'
        ELSE coalesce(result ->> 'branch', 'done')
    END
$$;

-- The previous version, which may still run beside this one, does not fill the columns. A later release drops the
-- triggers.
CREATE FUNCTION fill_run_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.workflow_id := (SELECT workflow_id FROM runs WHERE run_id = NEW.run_id);
    NEW.outcome := step_outcome(NEW.kind, NEW.result::jsonb);
    RETURN NEW;
END
$$;

CREATE TRIGGER run_steps_filled BEFORE INSERT ON run_steps
FOR EACH ROW WHEN (NEW.workflow_id IS NULL) EXECUTE FUNCTION fill_run_step();

CREATE FUNCTION fill_run_click() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT s.workflow_id, s.step_id, coalesce(NEW.at, now()) INTO NEW.workflow_id, NEW.step_id, NEW.at
    FROM run_steps s
    WHERE s.run_id = NEW.run_id AND s.outcome = 'sent' AND s.result::jsonb ->> 'message_id' = NEW.message_id::text
    ORDER BY s.number
    LIMIT 1;
    RETURN NEW;
END
$$;

CREATE TRIGGER run_clicks_filled BEFORE INSERT ON run_clicks
FOR EACH ROW WHEN (NEW.workflow_id IS NULL) EXECUTE FUNCTION fill_run_click();

-- migrate: rollback

DROP TRIGGER run_clicks_filled ON run_clicks;
DROP FUNCTION fill_run_click();
DROP TRIGGER run_steps_filled ON run_steps;
DROP FUNCTION fill_run_step();
DROP FUNCTION step_outcome(text, jsonb);
ALTER TABLE run_clicks DROP COLUMN workflow_id, DROP COLUMN step_id, DROP COLUMN at;
ALTER TABLE run_steps DROP COLUMN workflow_id, DROP COLUMN outcome;
