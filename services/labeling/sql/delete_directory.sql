DELETE FROM directory AS entry
USING unnest($2::text[], $3::text[], $4::bigint[]) AS left_behind (kind, key, contact_id)
WHERE entry.account_id = $1
    AND entry.kind = left_behind.kind
    AND entry.key = left_behind.key
    AND entry.contact_id = left_behind.contact_id
