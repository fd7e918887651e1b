-- the skipped rows of an import, without reading all of its rows
-- depends: labeling-0015-import-outcomes

-- migrate: apply

CREATE INDEX import_rows_skipped ON import_rows (import_id, generation, number) WHERE outcome = 'skipped';

-- migrate: rollback

DROP INDEX import_rows_skipped;
