-- name: applied
-- How far a consumer has come in each partition of a topic, on the cluster that the database belongs to.
SELECT checkpoint.partition, checkpoint.next_offset, checkpoint.sequence
FROM checkpoints AS checkpoint
JOIN bound_cluster USING (cluster_id)
WHERE checkpoint.consumer = :consumer AND checkpoint.version = :version AND checkpoint.topic = :topic
