-- Another worker may be at it, or have come further: then there is nothing for us.
SELECT * FROM jobs
WHERE job_id = $1 AND partition = $2 AND state IN ('waiting', 'running')
FOR UPDATE SKIP LOCKED
