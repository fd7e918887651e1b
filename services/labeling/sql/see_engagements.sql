-- Sorted, so that two batches with the same reports wait for each other instead of colliding.
INSERT INTO engagement_seen (account_id, source_no, key)
SELECT account_id, source_no, key
FROM unnest($1::integer[], $2::integer[], $3::bytea[]) AS report (account_id, source_no, key)
ORDER BY account_id, source_no, key
ON CONFLICT DO NOTHING
RETURNING account_id, source_no, key
