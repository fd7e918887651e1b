-- name: applied
-- The checkpoints of a consumer in each partition of a topic, on the cluster to which the database is bound.
SELECT checkpoint.partition, checkpoint.next_offset, checkpoint.sequence
FROM checkpoints AS checkpoint
JOIN bound_cluster USING (cluster_id)
WHERE checkpoint.consumer = :consumer AND checkpoint.version = :version AND checkpoint.topic = :topic
