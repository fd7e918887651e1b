-- In order: two batches that share clicks then wait for each other instead of deadlocking.
INSERT INTO click_seen (account_id, source_no, key)
SELECT account_id, source_no, key
FROM unnest($1::integer[], $2::integer[], $3::uuid[]) AS named (account_id, source_no, key)
ORDER BY account_id, source_no, key
ON CONFLICT DO NOTHING
