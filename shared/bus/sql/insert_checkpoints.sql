INSERT INTO checkpoints (consumer, version, cluster_id, topic, partition, next_offset, sequence)
SELECT $1, $2, $3, fresh.topic, fresh.partition, fresh.next_offset, 0
FROM unnest($4::text[], $5::smallint[], $6::bigint[]) AS fresh (topic, partition, next_offset)
ORDER BY fresh.topic, fresh.partition
ON CONFLICT DO NOTHING
