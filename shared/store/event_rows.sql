-- The event table: positions, causes of events, and the head of each topic.

-- name: begin_writing
-- Draws positions, and reads the sequences that the service has applied from other services' topics and written to its
-- own, including those of this transaction.
SELECT
    ARRAY(SELECT nextval('events_position') FROM generate_series(1, :count::integer)) AS positions,
    ARRAY(
        SELECT (checkpoint.partition, checkpoint.topic, max(checkpoint.sequence))
        FROM checkpoints AS checkpoint
        WHERE checkpoint.partition = ANY(:partitions::smallint[]) AND checkpoint.sequence > 0
        GROUP BY checkpoint.partition, checkpoint.topic
        UNION ALL
        SELECT (head.partition, head.topic, head.position)
        FROM topic_heads AS head
        WHERE head.partition = ANY(:partitions::smallint[])
    ) AS known

-- name: finish_writing
-- NOTIFY takes a lock of the whole cluster at commit, so it is sent once per unit of work, never per row.
WITH written AS (
    INSERT INTO topic_heads (partition, topic, position)
    SELECT head.partition, head.topic, head.position
    FROM unnest(:partitions::smallint[], :topics::text[], :positions::bigint[]) AS head (partition, topic, position)
    ON CONFLICT (partition, topic) DO UPDATE SET position = excluded.position
)
SELECT pg_notify('events', '')
