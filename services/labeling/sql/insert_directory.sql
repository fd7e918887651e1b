INSERT INTO directory (account_id, kind, key, contact_id)
SELECT $1, entry.kind, entry.key, entry.contact_id
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS entry (kind, key, contact_id)
ORDER BY entry.kind, entry.key
ON CONFLICT DO NOTHING
RETURNING kind, key
