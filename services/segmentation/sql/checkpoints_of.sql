SELECT cluster_id, topic, next_offset, sequence FROM checkpoints
WHERE consumer = $1 AND version = $2 AND partition = $3 AND cluster_id = (SELECT cluster_id FROM bound_cluster)
