-- name: history_of_assignment
SELECT * FROM assignment_history
WHERE label_no = :label_no AND contact_id = :contact_id AND entry > :after
ORDER BY entry
LIMIT :limit
