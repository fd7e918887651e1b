SELECT job_id, partition FROM jobs WHERE state IN ('waiting', 'running') ORDER BY created_at LIMIT 1
