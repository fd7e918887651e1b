SELECT account_id, contact_id, facts
FROM contacts
WHERE projection = $1 AND account_id = $2 AND partition = $3 AND contact_id > $4 AND segments && $5::uuid[]
ORDER BY contact_id
LIMIT $6
