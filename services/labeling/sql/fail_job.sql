UPDATE jobs SET state = 'failed', errors = $2, changed_at = now() WHERE job_id = $1
