-- name: begin
INSERT INTO checkpoints (consumer, version, cluster_id, topic, partition, next_offset, sequence)
SELECT :consumer, :version, :cluster_id, fresh.topic, fresh.partition, fresh.next_offset, 0
FROM unnest(:topics::text[], :partitions::smallint[], :next_offsets::bigint[])
    AS fresh (topic, partition, next_offset)
ORDER BY fresh.topic, fresh.partition
ON CONFLICT DO NOTHING

-- name: read
SELECT checkpoint.topic, checkpoint.partition, checkpoint.next_offset, checkpoint.sequence
FROM checkpoints AS checkpoint
JOIN unnest(:topics::text[], :partitions::smallint[]) AS part (topic, partition) USING (topic, partition)
WHERE checkpoint.consumer = :consumer AND checkpoint.version = :version AND checkpoint.cluster_id = :cluster_id

-- name: move
-- `expected` is what this process last wrote: if a row has changed since, another process owns the partition number.
-- Such a number is fenced as a whole. A transaction that moves a number's checkpoints holds its lock, so the rows that
-- `fenced` reads cannot change before the update.
WITH moved AS (
    SELECT *
    FROM unnest(
        :numbers::integer[], :topics::text[], :partitions::smallint[],
        :expected::bigint[], :next_offsets::bigint[], :sequences::bigint[]
    ) AS moved (number, topic, partition, expected, next_offset, sequence)
),
fenced AS (
    SELECT moved.number
    FROM moved
    LEFT JOIN checkpoints AS checkpoint
        ON checkpoint.consumer = :consumer
       AND checkpoint.version = :version
       AND checkpoint.cluster_id = :cluster_id
       AND checkpoint.topic = moved.topic
       AND checkpoint.partition = moved.partition
       AND checkpoint.next_offset = moved.expected
    WHERE checkpoint.topic IS NULL
)
UPDATE checkpoints AS checkpoint
SET next_offset = moved.next_offset, sequence = moved.sequence
FROM moved
WHERE checkpoint.consumer = :consumer
  AND checkpoint.version = :version
  AND checkpoint.cluster_id = :cluster_id
  AND checkpoint.topic = moved.topic
  AND checkpoint.partition = moved.partition
  AND checkpoint.next_offset = moved.expected
  AND moved.number NOT IN (SELECT fenced.number FROM fenced)
RETURNING moved.number
