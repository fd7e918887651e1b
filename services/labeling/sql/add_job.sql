INSERT INTO jobs (job_id, account_id, kind, subject) VALUES ($1, $2, $3, $4) RETURNING *
