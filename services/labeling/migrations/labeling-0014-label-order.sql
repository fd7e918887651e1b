-- the order of labels within their group on the preference page
-- depends: labeling-0013-assignment-jobs

-- migrate: apply

ALTER TABLE labels ADD COLUMN label_order integer NOT NULL DEFAULT 0;

-- migrate: rollback

ALTER TABLE labels DROP COLUMN label_order;
