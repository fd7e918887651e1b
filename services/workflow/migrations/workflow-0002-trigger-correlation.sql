-- a run's own correlation id moves on with it; that of the event which started it is kept beside
-- depends: workflow-0001-workflows

-- migrate: apply

ALTER TABLE runs ADD COLUMN trigger_correlation text;

-- Of runs that have begun before, it is known as long as nothing else has moved them.
UPDATE runs SET trigger_correlation = correlation_id WHERE cause_event = trigger_event::text;

-- migrate: rollback

ALTER TABLE runs DROP COLUMN trigger_correlation;
