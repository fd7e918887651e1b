-- The Kafka cluster to which the database is bound.

-- name: bind_cluster
INSERT INTO bound_cluster (cluster_id, partitions)
VALUES (:cluster_id, :partitions)
ON CONFLICT (one) DO UPDATE SET cluster_id = bound_cluster.cluster_id
RETURNING cluster_id, partitions

-- name: begin_publications
INSERT INTO publications (partition)
SELECT generate_series(-1, :partitions::integer - 1)
ON CONFLICT DO NOTHING

-- name: publications
SELECT partition, position FROM publications

-- name: last_positions
SELECT publication.partition, last.position
FROM publications AS publication
CROSS JOIN LATERAL (
    SELECT events.position
    FROM events
    WHERE events.partition = publication.partition
    ORDER BY events.position DESC
    LIMIT 1
) AS last
