SELECT checkpoint.topic, checkpoint.partition, checkpoint.next_offset, checkpoint.sequence
FROM checkpoints AS checkpoint
JOIN unnest($4::text[], $5::smallint[]) AS part (topic, partition) USING (topic, partition)
WHERE checkpoint.consumer = $1 AND checkpoint.version = $2 AND checkpoint.cluster_id = $3
