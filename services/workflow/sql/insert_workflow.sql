INSERT INTO workflows (workflow_id, account_id, name, version, state, revision, created_at, changed_at)
VALUES ($1, $2, $3, 1, 'draft', $4, $5, $5)
