-- labels that were merged into another one
-- depends: labeling-0011-search

-- migrate: apply

ALTER TABLE labels DROP CONSTRAINT labels_state_check;
ALTER TABLE labels ADD CONSTRAINT labels_state_check
    CHECK (state IN ('active', 'hidden', 'merging', 'merged', 'deleted'));
-- The label that this one stands for, from the beginning of the merge.
ALTER TABLE labels ADD COLUMN merged_into integer REFERENCES labels;

-- migrate: rollback

ALTER TABLE labels DROP COLUMN merged_into;
ALTER TABLE labels DROP CONSTRAINT labels_state_check;
ALTER TABLE labels ADD CONSTRAINT labels_state_check CHECK (state IN ('active', 'hidden', 'deleted'));
