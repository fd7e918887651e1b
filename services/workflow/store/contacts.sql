-- name: contacts_of_ids
SELECT account_id, contact_id, facts
FROM contacts
WHERE projection = :projection AND (account_id, contact_id) IN (SELECT * FROM unnest(:account_ids::int[], :contact_ids::bigint[]))

-- name: write_contacts
INSERT INTO contacts (projection, account_id, contact_id, partition, facts, segments)
SELECT :projection, c.account_id, c.contact_id, c.partition, c.facts, c.segments::uuid[]
FROM unnest(
    :account_ids::int[], :contact_ids::bigint[], :partitions::smallint[], :facts::bytea[], :segments::text[]
) AS c (account_id, contact_id, partition, facts, segments)
ON CONFLICT (projection, account_id, contact_id)
DO UPDATE SET facts = excluded.facts, segments = excluded.segments

-- name: delete_contacts
DELETE FROM contacts
WHERE projection = :projection AND (account_id, contact_id) IN (SELECT * FROM unnest(:account_ids::int[], :contact_ids::bigint[]))

-- name: existing_after
SELECT account_id, contact_id, facts
FROM contacts
WHERE projection = :projection AND account_id = :account_id AND partition = :partition AND contact_id > :after
    AND (
        segments && :segments::uuid[]
        OR EXISTS (SELECT FROM unnest(:labels::text[]) AS l (held) WHERE position(convert_to(l.held, 'UTF8') IN facts) > 0)
    )
ORDER BY contact_id
LIMIT :limit

-- name: count_existing
SELECT count(*) FROM contacts WHERE projection = :projection AND account_id = :account_id AND (
        segments && :segments::uuid[]
        OR EXISTS (SELECT FROM unnest(:labels::text[]) AS l (held) WHERE position(convert_to(l.held, 'UTF8') IN facts) > 0)
    )

-- name: delete_older_projections
DELETE FROM contacts WHERE partition = :partition AND projection < :projection
