UPDATE segments SET name = $3, version = version + 1, criterion = $4::jsonb, changed_at = $5
WHERE account_id = $1 AND segment_id = $2
RETURNING version
