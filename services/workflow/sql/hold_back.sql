-- A pause begins: everything consumed so far has been decided on, the rest waits.
INSERT INTO backlog (workflow_id, partition, position)
SELECT
    $1,
    p.partition,
    coalesce((SELECT max(o.position) FROM occurrences o WHERE o.partition = p.partition), 0)
FROM generate_series(0, $2::int - 1) AS p (partition)
ON CONFLICT DO NOTHING
