-- name: numbers_of_sources
SELECT source, source_no FROM sources WHERE source = ANY(:sources::text[])

-- name: insert_sources
INSERT INTO sources (source) SELECT source FROM unnest(:sources::text[]) AS source ORDER BY source ON CONFLICT DO NOTHING

-- name: insert_identities
-- A report may be stored under the key of an earlier version. Sorted, so that two batches with the same reports wait
-- for each other instead of deadlocking.
INSERT INTO engagement_seen (account_id, source_no, key)
SELECT account_id, source_no, key
FROM unnest(:account_ids::integer[], :source_nos::integer[], :keys::bytea[], :earlier_keys::bytea[])
    AS report (account_id, source_no, key, earlier_key)
WHERE NOT EXISTS (
    SELECT FROM engagement_seen AS seen
    WHERE seen.account_id = report.account_id AND seen.source_no = report.source_no AND seen.key = report.earlier_key
)
ORDER BY account_id, source_no, key
ON CONFLICT DO NOTHING
RETURNING account_id, source_no, key

-- name: engagements_of_contact
SELECT * FROM engagements
WHERE account_id = :account_id AND contact_id = :contact_id AND (:before::uuid IS NULL OR event_id < :before)
ORDER BY event_id DESC
LIMIT :limit
