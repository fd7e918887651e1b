-- Imports, their rows and their effects.

-- name: insert_import
INSERT INTO imports (import_id, account_id, key_id, filename, size, state, format, columns, options, hash_key, file_id)
VALUES (
    :import_id, :account_id, :key_id, :filename, :size, 'uploaded', :format, :columns, :options, :hash_key, :file_id
)
RETURNING *

-- name: import_of_id
SELECT * FROM imports WHERE account_id = :account_id AND import_id = :import_id

-- name: lock_import
SELECT * FROM imports WHERE account_id = :account_id AND import_id = :import_id FOR UPDATE

-- name: imports_of_account
-- Newest first.
SELECT * FROM imports
WHERE account_id = :account_id
    AND (:before::uuid IS NULL OR import_id < :before)
    AND (:state::text IS NULL OR state = :state)
ORDER BY import_id DESC
LIMIT :limit

-- name: begin_check
UPDATE imports
SET
    state = 'checking', columns = :columns, options = :options, format = :format, generation = generation + 1,
    job_id = :job_id, summary = NULL, failure = NULL, changed_at = now()
WHERE import_id = :import_id
RETURNING *

-- name: set_job
UPDATE imports
SET
    state = :state, job_id = :job_id, failure = NULL, changed_at = now(),
    started_at = CASE WHEN :state = 'running' THEN now() ELSE started_at END
WHERE import_id = :import_id
RETURNING *

-- name: set_checked
UPDATE imports SET
    state = 'checked', summary = :summary, file_id = NULL, checked_generation = generation, changed_at = now()
WHERE import_id = :import_id AND generation = :generation AND state = 'checking'

-- name: set_done
UPDATE imports SET state = 'done', result = :result, changed_at = now(), finished_at = now()
WHERE import_id = :import_id AND state = 'running'

-- name: set_undone
UPDATE imports SET state = 'undone', undo_result = :result, changed_at = now()
WHERE import_id = :import_id AND state = 'undoing'

-- name: set_stopped
UPDATE imports SET state = :state, failure = :failure, changed_at = now()
WHERE import_id = :import_id AND job_id = :job_id AND state IN ('checking', 'running', 'undoing')

-- name: set_cancelled
UPDATE imports SET state = 'cancelled', changed_at = now() WHERE import_id = :import_id

-- name: delete_import
DELETE FROM imports WHERE import_id = :import_id

-- name: old_imports
-- Imports whose rows and effects have expired and are deleted; the imports themselves stay visible.
SELECT import_id FROM imports
WHERE changed_at < :before AND state NOT IN ('checking', 'running', 'undoing')
    AND (
        EXISTS (SELECT FROM import_rows AS row WHERE row.import_id = imports.import_id)
        OR EXISTS (SELECT FROM import_effects AS effect WHERE effect.import_id = imports.import_id)
    )
LIMIT 10

-- name: rows_after
SELECT number, cells FROM import_rows
WHERE import_id = :import_id AND generation = :generation AND number > :after
ORDER BY number
LIMIT :limit

-- name: importable_rows
SELECT number, cells, email_hash FROM import_rows
WHERE import_id = :import_id AND generation = :generation AND number > :after AND outcome <> 'error'
ORDER BY number
LIMIT :limit

-- name: dealt_rows
-- OFFSET 0 forces a look-up of each row by its key: without statistics of newly written rows, the planner would join
-- the whole file.
SELECT deal.number, deal.contact_id, row.cells
FROM import_deals AS deal
CROSS JOIN LATERAL (
    SELECT cells FROM import_rows
    WHERE import_id = :import_id AND generation = :generation AND number = deal.number
    OFFSET 0
) AS row
WHERE deal.import_id = :import_id AND deal.bucket = :bucket AND deal.number > :after
ORDER BY deal.number
LIMIT :limit

-- name: known_hashes
-- The hashes of stored rows that will be imported. OFFSET 0 forces a look-up by the hash: without statistics
-- of newly written rows, the planner would look among all rows of the import for each hash.
SELECT given.hash
FROM unnest(:email_hashes::bytea[]) AS given (hash)
CROSS JOIN LATERAL (
    SELECT FROM (
        SELECT import_id, outcome FROM import_rows WHERE email_hash = given.hash AND generation = :generation OFFSET 0
    ) AS row
    WHERE import_id = :import_id AND outcome NOT IN ('error', 'skipped')
    LIMIT 1
) AS written
UNION ALL
SELECT given.hash
FROM unnest(:external_hashes::bytea[]) AS given (hash)
CROSS JOIN LATERAL (
    SELECT FROM (
        SELECT import_id, outcome FROM import_rows WHERE external_hash = given.hash AND generation = :generation OFFSET 0
    ) AS row
    WHERE import_id = :import_id AND outcome NOT IN ('error', 'skipped')
    LIMIT 1
) AS written

-- name: delete_rows
DELETE FROM import_rows
WHERE import_id = :import_id AND generation < :generation
    AND number IN (
        SELECT number FROM import_rows WHERE import_id = :import_id AND generation < :generation LIMIT :limit
    )

-- name: delete_errors
DELETE FROM import_errors WHERE import_id = :import_id AND generation < :generation

-- name: delete_deals
DELETE FROM import_deals WHERE import_id = :import_id

-- name: delete_effects
DELETE FROM import_effects WHERE import_id = :import_id

-- name: errors_after
SELECT number, place, column_index, code, detail FROM import_errors
WHERE import_id = :import_id AND generation = :generation AND (number, place) > (:number, :place)
ORDER BY number, place
LIMIT :limit

-- name: refused_rows
-- Rows with their errors, for the file that can be corrected and imported again. OFFSET 0: see dealt_rows.
SELECT refused.number, row.cells, refused.reason
FROM (
    SELECT number, string_agg(detail, '; ' ORDER BY place) AS reason
    FROM import_errors
    WHERE import_id = :import_id AND generation = :generation AND number > :after
    GROUP BY number
) AS refused
CROSS JOIN LATERAL (
    SELECT cells FROM import_rows
    WHERE import_id = :import_id AND generation = :generation AND number = refused.number
    OFFSET 0
) AS row
ORDER BY refused.number
LIMIT :limit

-- name: rows_of_outcome
SELECT number, cells FROM import_rows
WHERE import_id = :import_id AND generation = :generation AND number > :after AND outcome = :outcome
ORDER BY number
LIMIT :limit

-- name: suppressed_rows
SELECT number, cells FROM import_rows
WHERE import_id = :import_id AND generation = :generation AND number > :after AND suppressed
ORDER BY number
LIMIT :limit

-- name: reasons_of_rows
SELECT number, string_agg(detail, '; ' ORDER BY place) AS reason FROM import_errors
WHERE import_id = :import_id AND generation = :generation AND number = ANY(:numbers::integer[])
GROUP BY number

-- name: effects_of_contacts
SELECT contact_id, created, members, label_nos, at FROM import_effects
WHERE import_id = :import_id AND contact_id = ANY(:contact_ids::bigint[])

-- name: write_effects
-- A contact counts once, by its first row: later rows about it do not change the outcome.
INSERT INTO import_effects AS effect (
    import_id, bucket, contact_id, account_id, created, members, label_nos, outcome, at
)
SELECT
    :import_id, :bucket, row.contact_id, :account_id,
    row.created, row.members, row.label_nos::integer[], row.outcome, :at
FROM unnest(:contact_ids::bigint[], :created::boolean[], :members::jsonb[], :label_nos::text[], :outcomes::text[])
    AS row (contact_id, created, members, label_nos, outcome)
ON CONFLICT (import_id, contact_id) DO UPDATE
SET members = excluded.members, label_nos = excluded.label_nos, at = excluded.at

-- name: effects_after
SELECT contact_id, created, members, label_nos, at FROM import_effects
WHERE import_id = :import_id AND bucket = :bucket AND contact_id > :after
ORDER BY contact_id
LIMIT :limit

-- name: contacts_of_import
-- Contacts that the import counted with an outcome, by id; without an outcome, all contacts that it touched. Effects of
-- an earlier version have no outcome: their changed members distinguish updated from unchanged contacts.
SELECT contact_id FROM import_effects
WHERE import_id = :import_id AND contact_id > :after
    AND (:only::bigint[] IS NULL OR contact_id = ANY(:only))
    AND (
        :outcome::text IS NULL
        OR :outcome = COALESCE(
            outcome, CASE WHEN created THEN 'created' WHEN members <> '{}' THEN 'updated' ELSE 'unchanged' END
        )
    )
ORDER BY contact_id
LIMIT :limit

-- name: count_effects
SELECT count(*) FROM import_effects WHERE import_id = :import_id

-- name: later_effects
-- The effects of later imports on the contacts, oldest first.
SELECT effect.contact_id, effect.members
FROM import_effects AS effect
JOIN imports AS later USING (import_id)
JOIN imports AS this ON this.import_id = :import_id
WHERE effect.account_id = :account_id
    AND effect.contact_id = ANY(:contact_ids::bigint[])
    AND effect.import_id <> :import_id
    AND later.state <> 'undone'
    AND later.started_at > this.started_at
ORDER BY effect.at

-- name: forget_contact_by_id
-- For an erasure: deletes the data of imports about the contact.
WITH dealt AS (
    DELETE FROM import_deals AS deal
    USING imports
    WHERE imports.account_id = :account_id AND deal.import_id = imports.import_id AND deal.contact_id = :contact_id
    RETURNING deal.import_id, deal.number
),
effects AS (
    DELETE FROM import_effects WHERE account_id = :account_id AND contact_id = :contact_id
),
errors AS (
    DELETE FROM import_errors AS error USING dealt
    WHERE error.import_id = dealt.import_id AND error.number = dealt.number
)
DELETE FROM import_rows AS row USING dealt
WHERE row.import_id = dealt.import_id AND row.number = dealt.number

-- name: hash_keys
SELECT import_id, hash_key FROM imports WHERE account_id = :account_id

-- name: forget_contact_by_hash
WITH gone AS (
    DELETE FROM import_rows AS row
    USING unnest(:import_ids::uuid[], :hashes::bytea[]) AS named (import_id, hash)
    WHERE row.import_id = named.import_id AND (row.email_hash = named.hash OR row.external_hash = named.hash)
    RETURNING row.import_id, row.number
)
DELETE FROM import_errors AS error USING gone
WHERE error.import_id = gone.import_id AND error.number = gone.number
