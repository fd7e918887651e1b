-- jobs move to the table that all services have: with their results, and from where they are
-- depends: labeling-0005-jobs

-- migrate: apply

INSERT INTO background_jobs (
    job_id, account_id, kind, subject, specification, cursor, state, done, total, result, failure,
    created_at, changed_at, finished_at
)
SELECT
    job_id, account_id, kind, subject, '{}',
    jsonb_build_object('partition', partition, 'contact_id', contact_id),
    CASE WHEN state IN ('done', 'failed') THEN state ELSE 'queued' END,
    done, total, result, errors -> 0 ->> 'detail',
    created_at, changed_at,
    CASE WHEN state IN ('done', 'failed') THEN changed_at END
FROM jobs;

-- The code before this release, which may still run, leaves them alone from now on.
UPDATE jobs SET state = 'failed', errors = '[{"code": "moved", "detail": "Moved to background_jobs."}]'
WHERE state IN ('waiting', 'running');

-- migrate: rollback

DELETE FROM background_jobs WHERE job_id IN (SELECT job_id FROM jobs);
