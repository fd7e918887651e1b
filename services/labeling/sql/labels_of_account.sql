SELECT * FROM labels
WHERE account_id = $1
    AND state <> 'deleted'
    AND ($2::text IS NULL OR name_key = $2)
    AND ($3::uuid IS NULL OR label_id > $3)
ORDER BY label_id
LIMIT $4
