-- the rows of an import behind each number of its check
-- depends: labeling-0016-skipped-rows

-- migrate: apply

-- The import will block the contact. False where an earlier version wrote it.
ALTER TABLE import_rows ADD COLUMN suppressed boolean NOT NULL DEFAULT false;

CREATE INDEX import_rows_outcome ON import_rows (import_id, generation, outcome, number);
CREATE INDEX import_rows_suppressed ON import_rows (import_id, generation, number) WHERE suppressed;
DROP INDEX import_rows_skipped;

-- migrate: rollback

CREATE INDEX import_rows_skipped ON import_rows (import_id, generation, number) WHERE outcome = 'skipped';
DROP INDEX import_rows_suppressed;
DROP INDEX import_rows_outcome;
ALTER TABLE import_rows DROP COLUMN suppressed;
