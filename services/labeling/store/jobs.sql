-- name: insert_job
INSERT INTO jobs (job_id, account_id, kind, subject) VALUES (:job_id, :account_id, :kind, :subject) RETURNING *

-- name: job_of_id
SELECT * FROM jobs WHERE account_id = :account_id AND job_id = :job_id

-- name: jobs_of_account
SELECT * FROM jobs
WHERE account_id = :account_id AND (:before::uuid IS NULL OR job_id < :before)
ORDER BY job_id DESC
LIMIT :limit

-- name: next_job
SELECT job_id, partition FROM jobs WHERE state IN ('waiting', 'running') ORDER BY created_at LIMIT 1

-- name: take_job
-- No row if another worker has the job, or has advanced it.
SELECT * FROM jobs
WHERE job_id = :job_id AND partition = :partition AND state IN ('waiting', 'running')
FOR UPDATE SKIP LOCKED

-- name: advance_job
UPDATE jobs
SET
    state = :state, partition = :partition, contact_id = :contact_id, done = :done, total = :total, result = :result,
    changed_at = now()
WHERE job_id = :job_id

-- name: fail_job
UPDATE jobs SET state = 'failed', errors = :errors, changed_at = now() WHERE job_id = :job_id
