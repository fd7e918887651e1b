SELECT * FROM contacts
WHERE account_id = $1 AND contact_id > $2 AND ($3::bigint IS NULL OR contact_id = $3)
ORDER BY contact_id
LIMIT $4
