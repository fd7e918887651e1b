INSERT INTO contacts (projection, account_id, contact_id, partition, facts, segments)
SELECT $1, c.account_id, c.contact_id, $2, c.facts, c.segments::uuid[]
FROM unnest($3::int[], $4::bigint[], $5::bytea[], $6::text[]) AS c (account_id, contact_id, facts, segments)
ON CONFLICT (projection, account_id, contact_id)
DO UPDATE SET facts = excluded.facts, segments = excluded.segments
