SELECT b.workflow_id, b.position, w.state
FROM backlog b
JOIN workflows w ON w.workflow_id = b.workflow_id
WHERE b.partition = $1
