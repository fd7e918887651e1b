WITH piece AS (
    SELECT account_id, label_no, contact_id FROM assignments
    WHERE account_id = $1 AND label_no = $2 AND contact_id > $5 AND ($1 + contact_id) % $3 = $4
    ORDER BY contact_id
    LIMIT $6
)
DELETE FROM assignments AS assignment
USING piece
WHERE assignment.account_id = piece.account_id
    AND assignment.label_no = piece.label_no
    AND assignment.contact_id = piece.contact_id
RETURNING assignment.contact_id, assignment.held
