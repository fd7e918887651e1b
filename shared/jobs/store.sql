-- The queries of background jobs.

-- name: add
INSERT INTO background_jobs (job_id, account_id, kind, subject, specification, total)
VALUES (:job_id, :account_id, :kind, :subject, :specification, :total)
RETURNING *

-- name: claim
-- The job whose account has waited longest for a turn. An expired lease, or one that the caller holds already, is free.
-- Two concurrent workers get different jobs. An account has at most `:most` running jobs.
WITH next AS (
    SELECT job.job_id
    FROM background_jobs AS job
    LEFT JOIN background_job_turns AS turn USING (account_id)
    WHERE job.state IN ('queued', 'running')
        AND job.kind = ANY(:kinds::text[])
        AND (job.worker IS NULL OR job.worker = :worker OR job.leased_until < clock_timestamp())
        AND :most > (
            SELECT count(*) FROM background_jobs AS other
            WHERE other.account_id = job.account_id
                AND other.state = 'running'
                AND other.worker <> :worker
                AND other.leased_until >= clock_timestamp()
        )
    ORDER BY turn.served_at NULLS FIRST, job.changed_at
    LIMIT 1
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE background_jobs AS job
SET
    state = 'running',
    takeovers = CASE WHEN job.worker IS NULL THEN 0 ELSE job.takeovers + (job.worker <> :worker)::integer END,
    worker = :worker,
    leased_until = clock_timestamp() + :lease::interval,
    started_at = COALESCE(job.started_at, clock_timestamp())
FROM next
WHERE job.job_id = next.job_id
RETURNING job.*

-- name: renew
UPDATE background_jobs SET leased_until = clock_timestamp() + :lease::interval
WHERE job_id = :job_id AND worker = :worker AND state = 'running'

-- name: give_up
-- The job waits for its next turn. Nothing happens if another worker has taken it over.
UPDATE background_jobs SET worker = NULL, leased_until = NULL, changed_at = clock_timestamp()
WHERE job_id = :job_id AND worker = :worker AND state = 'running'

-- name: take_turn
INSERT INTO background_job_turns AS turn (account_id, served_at) VALUES (:account_id, clock_timestamp())
ON CONFLICT (account_id) DO UPDATE SET served_at = excluded.served_at

-- name: advance
-- No row means that another worker has the job now, and the transaction must be rolled back.
UPDATE background_jobs
SET
    cursor = :cursor,
    done = :done,
    total = :total,
    errors = :errors,
    state = :state,
    result = :result,
    failure = :failure,
    step = step + 1,
    takeovers = 0,
    worker = CASE WHEN :state = 'running' THEN worker END,
    leased_until = CASE WHEN :state = 'running' THEN clock_timestamp() + :lease::interval END,
    changed_at = clock_timestamp(),
    finished_at = CASE WHEN :state <> 'running' THEN clock_timestamp() END
WHERE job_id = :job_id AND worker = :worker AND step = :step AND state = 'running'
RETURNING *

-- name: request_cancel
UPDATE background_jobs SET cancel_requested = true
WHERE account_id = :account_id AND job_id = :job_id AND state IN ('queued', 'running')
RETURNING *

-- name: job_of_id
SELECT * FROM background_jobs WHERE account_id = :account_id AND job_id = :job_id

-- name: jobs_of_account
-- Newest first.
SELECT * FROM background_jobs
WHERE account_id = :account_id
    AND (:before::uuid IS NULL OR job_id < :before)
    AND (:state::text IS NULL OR state = :state)
    AND (:kind::text IS NULL OR kind = :kind)
ORDER BY job_id DESC
LIMIT :limit

-- name: problems_of_job
SELECT number, pointer, code, detail FROM background_job_problems
WHERE job_id = :job_id
ORDER BY entry
LIMIT :limit

-- name: count_open
SELECT kind, state, count(*) AS jobs, min(created_at) AS oldest
FROM background_jobs
WHERE state IN ('queued', 'running')
GROUP BY kind, state

-- name: forget_finished
DELETE FROM background_jobs WHERE finished_at < :before
