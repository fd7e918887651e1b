-- name: insert_suppression
INSERT INTO suppressions (suppression_id, account_id, hash, key_id, version, reason, origin)
VALUES (:suppression_id, :account_id, :hash, :key_id, :version, :reason, :origin)
ON CONFLICT (account_id, hash) DO NOTHING

-- name: suppressed_hashes
SELECT suppression_id, hash, reason, origin, created_at FROM suppressions
WHERE account_id = :account_id AND hash = ANY(:hashes::bytea[])

-- name: suppressions_of_account
SELECT suppression_id, hash, reason, origin, created_at FROM suppressions
WHERE account_id = :account_id AND (:after::uuid IS NULL OR suppression_id > :after)
ORDER BY suppression_id
LIMIT :limit

-- name: count_suppressions
-- Counts at most `most`; sorted, so that only this account's part of an index is read.
SELECT count(*)
FROM (SELECT FROM suppressions WHERE account_id = :account_id ORDER BY suppression_id LIMIT :most) AS counted

-- name: delete_suppression
DELETE FROM suppressions WHERE account_id = :account_id AND suppression_id = :suppression_id

-- name: delete_hashes
DELETE FROM suppressions WHERE account_id = :account_id AND hash = ANY(:hashes::bytea[])
