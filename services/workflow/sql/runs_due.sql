SELECT *
FROM runs
WHERE partition = $1 AND due_at <= $2 AND NOT workflow_id = ANY($3::uuid[])
ORDER BY due_at
LIMIT $4
