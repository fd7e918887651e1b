UPDATE jobs
SET state = $2, partition = $3, contact_id = $4, done = $5, total = $6, result = $7, changed_at = now()
WHERE job_id = $1
