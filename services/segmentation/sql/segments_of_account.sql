SELECT segment_id, name, version, criterion, created_at, changed_at
FROM segments WHERE account_id = $1
ORDER BY segment_id
