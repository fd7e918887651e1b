-- name: decisions_of_contact
SELECT * FROM contact_decisions
WHERE account_id = :account_id AND contact_id = :contact_id AND (:before::bigint IS NULL OR entry < :before)
ORDER BY entry DESC
LIMIT :limit
