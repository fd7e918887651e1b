INSERT INTO segments (segment_id, account_id, name, version, criterion, created_at, changed_at)
VALUES ($1, $2, $3, 1, $4::jsonb, $5, $5)
