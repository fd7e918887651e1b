INSERT INTO api_keys (key_id, account_id, name, scopes, hash) VALUES ($1, $2, $3, $4, $5) RETURNING *
