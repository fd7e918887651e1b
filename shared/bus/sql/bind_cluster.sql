INSERT INTO bound_cluster (cluster_id, partitions)
VALUES ($1, $2)
ON CONFLICT (one) DO UPDATE SET cluster_id = bound_cluster.cluster_id
RETURNING cluster_id, partitions
