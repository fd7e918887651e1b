SELECT contact.account_id, name.kind, name.digest
FROM unnest($1::integer[], $2::bigint[]) AS wanted (account_id, contact_id)
JOIN contacts AS contact USING (account_id, contact_id)
CROSS JOIN LATERAL (VALUES ('email', contact.email_digest), ('external', contact.external_digest)) AS name (kind, digest)
WHERE name.digest IS NOT NULL
