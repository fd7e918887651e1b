SELECT * FROM fields
WHERE account_id = $1 AND state = 'active' AND ($2::text IS NULL OR key > $2)
ORDER BY key
LIMIT $3
