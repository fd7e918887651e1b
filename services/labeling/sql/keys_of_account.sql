SELECT * FROM api_keys
WHERE account_id = $1 AND ($2::uuid IS NULL OR key_id > $2)
ORDER BY key_id
LIMIT $3
