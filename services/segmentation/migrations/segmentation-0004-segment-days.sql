-- how many members each segment had at the end of each day, in every partition number
-- depends: segmentation-0003-campaigns

-- migrate: apply

CREATE TABLE segment_days (
    segment_id uuid NOT NULL,
    partition smallint NOT NULL,
    day date NOT NULL,
    members integer NOT NULL,
    PRIMARY KEY (segment_id, partition, day)
);

-- migrate: rollback

DROP TABLE segment_days;
