SELECT *
FROM runs
WHERE state = 'running' AND (account_id, contact_id) IN (SELECT * FROM unnest($1::int[], $2::bigint[]))
ORDER BY started_at, run_id
