INSERT INTO snapshot_parts (partition, account_id, part, body)
SELECT $1, $2, fresh.part, fresh.body FROM unnest($3::text[], $4::bytea[]) AS fresh (part, body)
ON CONFLICT (partition, account_id, part) DO UPDATE SET body = excluded.body
