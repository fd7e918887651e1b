INSERT INTO fields (account_id, key, name, type, choices) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING *
