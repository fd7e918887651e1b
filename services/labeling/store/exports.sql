-- Exports.

-- name: insert_export
INSERT INTO exports (export_id, account_id, of, format, columns, job_id)
VALUES (:export_id, :account_id, :of, :format, :columns, :job_id)
RETURNING *

-- name: export_of_id
SELECT * FROM exports WHERE account_id = :account_id AND export_id = :export_id

-- name: exports_of_account
-- Newest first.
SELECT * FROM exports
WHERE account_id = :account_id AND (:before::uuid IS NULL OR export_id < :before)
ORDER BY export_id DESC
LIMIT :limit

-- name: lock_export
SELECT * FROM exports WHERE export_id = :export_id FOR UPDATE

-- name: update_export
UPDATE exports
SET
    state = :state, file_id = :file_id, members = :members, rows = :rows, size = :size, failure = :failure,
    changed_at = now(), finished_at = CASE WHEN :state IN ('done', 'failed', 'cancelled') THEN now() END
WHERE export_id = :export_id

-- name: delete_export
DELETE FROM exports WHERE export_id = :export_id

-- name: insert_growing_file
INSERT INTO files (file_id, account_id, filename, media_type, complete, expires_at)
VALUES (:file_id, :account_id, :filename, :media_type, true, :expires_at)

-- name: exports_with_members
SELECT export_id, file_id, state, members FROM exports
WHERE account_id = :account_id AND members IS NOT NULL AND (file_id IS NOT NULL OR state = 'running')

-- name: mark_erased
UPDATE exports SET erased_meanwhile = true WHERE export_id = ANY(:export_ids::uuid[])

-- name: all_ids
SELECT contact_id FROM contacts
WHERE account_id = :account_id AND contact_id > :after
ORDER BY contact_id
LIMIT :limit

-- name: label_ids
SELECT contact_id FROM assignments
WHERE label_no = :label_no AND contact_id > :after AND held
ORDER BY contact_id
LIMIT :limit

-- name: import_ids
SELECT contact_id FROM import_effects
WHERE import_id = :import_id AND contact_id > :after
ORDER BY contact_id
LIMIT :limit

-- name: count_contacts
SELECT count(*) FROM contacts WHERE account_id = :account_id

-- name: export_rows
-- One statement, so that the contact and its labels are of one moment. Labels are read as ranges of the table's key.
WITH held AS (
    SELECT
        assignment.contact_id,
        array_agg(assignment.label_no) AS label_nos,
        array_agg(assignment.held) AS held,
        array_agg(assignment.clicks) AS clicks,
        array_agg(assignment.last_click) AS last_clicks
    FROM unnest(:label_nos::integer[]) AS wanted (label_no)
    JOIN assignments AS assignment USING (label_no)
    WHERE assignment.contact_id BETWEEN :first AND :last
    GROUP BY assignment.contact_id
)
SELECT
    contact.contact_id, contact.external_id, contact.email, contact.subscription, contact.language, contact.fields,
    held.label_nos, held.held, held.clicks, held.last_clicks
FROM unnest(:contact_ids::bigint[]) AS wanted (contact_id)
JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = wanted.contact_id
LEFT JOIN held ON held.contact_id = contact.contact_id
ORDER BY contact.contact_id
