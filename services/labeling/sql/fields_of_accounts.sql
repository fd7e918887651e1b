SELECT account_id, key, name, type, choices FROM fields
WHERE account_id = ANY($1::integer[]) AND state = 'active'
