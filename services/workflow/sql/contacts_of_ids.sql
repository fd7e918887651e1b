SELECT account_id, contact_id, facts
FROM contacts
WHERE projection = $1 AND (account_id, contact_id) IN (SELECT * FROM unnest($2::int[], $3::bigint[]))
