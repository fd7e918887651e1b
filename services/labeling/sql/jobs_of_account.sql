SELECT * FROM jobs
WHERE account_id = $1 AND ($2::uuid IS NULL OR job_id < $2)
ORDER BY job_id DESC
LIMIT $3
