WITH piece AS (
    SELECT label_no, contact_id FROM assignments
    WHERE label_no = $2 AND contact_id > $5 AND ($1 + contact_id) % $3 = $4
    ORDER BY contact_id
    LIMIT $6
)
DELETE FROM assignments AS assignment
USING piece
WHERE assignment.label_no = piece.label_no AND assignment.contact_id = piece.contact_id
RETURNING assignment.contact_id, assignment.held
