-- the position of the last event of each topic and partition number, which later events of other topics name
-- depends: runtime-0002-idempotency

-- migrate: apply

-- Not filled from the event table, which may be large: an event from before is published long before it is missed.
-- Written by every unit of work: room for new versions of a row on its own page, and no index on what changes.
CREATE TABLE topic_heads (
    partition smallint NOT NULL,
    topic text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (partition, topic)
) WITH (fillfactor = 25);

-- migrate: rollback

DROP TABLE topic_heads;
