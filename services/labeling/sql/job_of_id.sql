SELECT * FROM jobs WHERE account_id = $1 AND job_id = $2
