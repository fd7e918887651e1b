SELECT segment_id, name, version, criterion, created_at, changed_at
FROM segments
WHERE account_id = $1 AND ($2::uuid IS NULL OR segment_id > $2)
ORDER BY segment_id
LIMIT $3
