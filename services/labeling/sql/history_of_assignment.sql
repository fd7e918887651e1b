SELECT * FROM assignment_history
WHERE label_no = $1 AND contact_id = $2 AND entry > $3
ORDER BY entry
LIMIT $4
