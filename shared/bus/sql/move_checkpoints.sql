-- `expected` is what this process itself wrote last: if any row has moved since, another process owns that part.
UPDATE checkpoints AS checkpoint
SET next_offset = moved.next_offset, sequence = moved.sequence
FROM
    unnest($4::text[], $5::smallint[], $6::bigint[], $7::bigint[], $8::bigint[])
        AS moved (topic, partition, expected, next_offset, sequence)
WHERE checkpoint.consumer = $1
  AND checkpoint.version = $2
  AND checkpoint.cluster_id = $3
  AND checkpoint.topic = moved.topic
  AND checkpoint.partition = moved.partition
  AND checkpoint.next_offset = moved.expected
