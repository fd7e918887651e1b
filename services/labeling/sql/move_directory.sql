UPDATE directory AS entry SET contact_id = moved.contact_id
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS moved (kind, key, contact_id)
WHERE entry.account_id = $1 AND entry.kind = moved.kind AND entry.key = moved.key
