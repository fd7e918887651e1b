SELECT * FROM engagements
WHERE account_id = $1 AND contact_id = $2 AND ($3::uuid IS NULL OR event_id < $3)
ORDER BY event_id DESC
LIMIT $4
