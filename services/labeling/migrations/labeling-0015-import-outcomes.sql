-- what each contact counts as in the result of an import
-- depends: labeling-0014-label-order

-- migrate: apply

-- created, updated, unchanged. Null where an earlier version wrote it.
ALTER TABLE import_effects ADD COLUMN outcome text;

-- migrate: rollback

ALTER TABLE import_effects DROP COLUMN outcome;
