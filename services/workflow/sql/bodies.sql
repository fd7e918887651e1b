SELECT version, body FROM definitions WHERE workflow_id = $1 ORDER BY version
