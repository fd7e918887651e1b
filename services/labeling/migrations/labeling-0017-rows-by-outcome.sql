-- the rows of an import behind each number of its check
-- depends: labeling-0016-skipped-rows

-- migrate: apply

-- True if the import will block the contact; false in rows that an earlier version wrote.
ALTER TABLE import_rows ADD COLUMN suppressed boolean NOT NULL DEFAULT false;

CREATE INDEX import_rows_outcome ON import_rows (import_id, generation, outcome, number);
CREATE INDEX import_rows_suppressed ON import_rows (import_id, generation, number) WHERE suppressed;
DROP INDEX import_rows_skipped;

-- A check looks for rows with the same keys, but not for those of an earlier check of the same file.
CREATE INDEX import_rows_email_hash ON import_rows (email_hash, generation) WHERE email_hash IS NOT NULL;
CREATE INDEX import_rows_external_hash ON import_rows (external_hash, generation) WHERE external_hash IS NOT NULL;
DROP INDEX import_rows_email;
DROP INDEX import_rows_external;

-- migrate: rollback

CREATE INDEX import_rows_external ON import_rows (external_hash) WHERE external_hash IS NOT NULL;
CREATE INDEX import_rows_email ON import_rows (email_hash) WHERE email_hash IS NOT NULL;
DROP INDEX import_rows_external_hash;
DROP INDEX import_rows_email_hash;
CREATE INDEX import_rows_skipped ON import_rows (import_id, generation, number) WHERE outcome = 'skipped';
DROP INDEX import_rows_suppressed;
DROP INDEX import_rows_outcome;
ALTER TABLE import_rows DROP COLUMN suppressed;
