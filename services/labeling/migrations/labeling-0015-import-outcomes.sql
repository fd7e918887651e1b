-- how the result of an import counts each contact
-- depends: labeling-0014-label-order

-- migrate: apply

-- created, updated or unchanged; null in rows that an earlier version wrote.
ALTER TABLE import_effects ADD COLUMN outcome text;

-- migrate: rollback

ALTER TABLE import_effects DROP COLUMN outcome;
