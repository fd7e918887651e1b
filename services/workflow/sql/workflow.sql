SELECT w.workflow_id, w.account_id, w.name, w.version, w.state, w.created_at, w.changed_at, d.body
FROM workflows w
JOIN definitions d ON d.workflow_id = w.workflow_id AND d.version = w.version
WHERE w.workflow_id = $1 AND w.account_id = $2 AND w.state <> 'deleted'
