SELECT workflow_id, state, count(*) AS number
FROM runs
WHERE workflow_id = ANY($1::uuid[])
GROUP BY workflow_id, state
