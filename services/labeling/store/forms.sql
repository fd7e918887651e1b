-- name: insert_form
INSERT INTO forms (form_id, account_id, definition) VALUES (:form_id, :account_id, :definition) RETURNING *

-- name: update_form
UPDATE forms SET definition = :definition, version = version + 1, changed_at = now()
WHERE account_id = :account_id AND form_id = :form_id AND state = 'active'
RETURNING *

-- name: delete_form
UPDATE forms SET state = 'deleted', changed_at = now()
WHERE account_id = :account_id AND form_id = :form_id AND state = 'active'

-- name: form_of_id
SELECT * FROM forms WHERE form_id = :form_id AND state = 'active'

-- name: forms_of_account
SELECT * FROM forms
WHERE account_id = :account_id AND state = 'active' AND (:after::uuid IS NULL OR form_id > :after)
ORDER BY form_id
LIMIT :limit

-- name: count_forms
SELECT count(*) FROM forms WHERE account_id = :account_id AND state = 'active'

-- name: insert_submission
INSERT INTO form_submissions (
    submission_id, account_id, contact_id, form_id, label_ids, fields, wording, language, created_at
)
VALUES (:submission_id, :account_id, :contact_id, :form_id, :label_ids, :fields, :wording, :language, :at)

-- name: submission_of_id
SELECT * FROM form_submissions WHERE submission_id = :submission_id

-- name: confirm_submission
UPDATE form_submissions SET confirmed_at = :at WHERE submission_id = :submission_id AND confirmed_at IS NULL
