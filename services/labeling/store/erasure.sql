-- name: delete_contact
DELETE FROM contacts WHERE account_id = :account_id AND contact_id = :contact_id

-- name: delete_directory_entries
DELETE FROM directory WHERE account_id = :account_id AND contact_id = :contact_id

-- name: delete_assignments
-- One probe per label of the account: the key of the table begins with the label.
DELETE FROM assignments AS assignment
USING labels AS label
WHERE label.account_id = :account_id
    AND assignment.label_no = label.label_no
    AND assignment.contact_id = :contact_id

-- name: delete_history
DELETE FROM assignment_history AS history
USING labels AS label
WHERE label.account_id = :account_id AND history.label_no = label.label_no AND history.contact_id = :contact_id

-- name: delete_engagements
DELETE FROM engagements WHERE account_id = :account_id AND contact_id = :contact_id

-- name: delete_decisions
DELETE FROM contact_decisions WHERE account_id = :account_id AND contact_id = :contact_id

-- name: delete_submissions
DELETE FROM form_submissions WHERE account_id = :account_id AND contact_id = :contact_id

-- name: insert_erased
INSERT INTO erased_contacts (account_id, contact_id, erased_at) VALUES (:account_id, :contact_id, :at)

-- name: delete_held
DELETE FROM held
WHERE (account_id = :account_id AND contact_id = :contact_id) OR waits_for && :names::text[]
