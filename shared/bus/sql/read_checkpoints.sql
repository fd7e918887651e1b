SELECT topic, next_offset, sequence
FROM checkpoints
WHERE consumer = $1 AND version = $2 AND cluster_id = $3 AND partition = $4
