UPDATE workflows
SET name = $2, version = $3, state = $4, revision = $5, changed_at = $6
WHERE workflow_id = $1
