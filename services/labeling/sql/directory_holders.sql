-- What the contacts behind these entries say themselves. A statement after the lock: it sees what was waited for.
SELECT contact_id, external_id, email_key
FROM contacts
WHERE account_id = $1 AND contact_id = ANY($2::bigint[])
