SELECT contact_id FROM contacts
WHERE account_id = $1 AND fields ? $2 AND contact_id > $5 AND ($1 + contact_id) % $3 = $4
ORDER BY contact_id
LIMIT $6
