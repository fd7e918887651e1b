-- Jobs that assign a label to, or remove it from, many contacts.

-- name: insert
INSERT INTO assignment_jobs (job_id, account_id, of, label_id, held)
VALUES (:job_id, :account_id, :of, :label_id, :held)

-- name: find
SELECT of, label_id, held FROM assignment_jobs WHERE account_id = :account_id AND job_id = :job_id

-- name: add_effects
INSERT INTO assignment_job_effects (job_id, step, contacts) VALUES (:job_id, :step, :contacts)

-- name: effects
SELECT contacts FROM assignment_job_effects WHERE job_id = :job_id
