-- name: bound_cluster
SELECT cluster_id FROM bound_cluster

-- name: checkpoints_of_cluster
SELECT consumer, version, topic, partition, sequence FROM checkpoints WHERE cluster_id = :cluster ORDER BY topic, partition

-- name: adopt_checkpoint
INSERT INTO checkpoints (consumer, version, cluster_id, topic, partition, next_offset, sequence)
VALUES (:consumer, :version, :cluster, :topic, :partition, :next_offset, :sequence)
ON CONFLICT (consumer, version, cluster_id, topic, partition)
DO UPDATE SET next_offset = excluded.next_offset, sequence = excluded.sequence

-- name: bind_to
UPDATE bound_cluster SET cluster_id = :cluster
