SELECT r.*
FROM workflows w
JOIN runs r ON r.workflow_id = w.workflow_id
WHERE w.state = 'deleted' AND r.partition = $1 AND r.state = 'running'
LIMIT $2
