SELECT w.workflow_id, w.account_id, w.name, w.version, w.state, w.created_at, w.changed_at, d.body
FROM workflows w
JOIN definitions d ON d.workflow_id = w.workflow_id AND d.version = w.version
WHERE w.account_id = $1 AND w.state <> 'deleted' AND w.workflow_id > $2
ORDER BY w.workflow_id
LIMIT $3
