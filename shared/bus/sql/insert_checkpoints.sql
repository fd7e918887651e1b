INSERT INTO checkpoints (consumer, version, cluster_id, partition, topic, next_offset, sequence)
SELECT $1, $2, $3, $4, fresh.topic, fresh.next_offset, 0
FROM unnest($5::text[], $6::bigint[]) AS fresh (topic, next_offset)
ON CONFLICT DO NOTHING
