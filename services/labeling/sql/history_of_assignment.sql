SELECT * FROM assignment_history
WHERE account_id = $1 AND contact_id = $2 AND label_no = $3 AND entry > $4
ORDER BY entry
LIMIT $5
