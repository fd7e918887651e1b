-- A segment that is broken decides nothing: its members stay, and what is pending is kept until it is mended.
-- depends: segmentation-0001-segments

-- migrate: apply

ALTER TABLE standings ADD COLUMN broken boolean NOT NULL DEFAULT false;

-- migrate: rollback

ALTER TABLE standings DROP COLUMN broken;
