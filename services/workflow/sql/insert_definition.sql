INSERT INTO definitions (workflow_id, version, body, created_at) VALUES ($1, $2, $3, $4)
