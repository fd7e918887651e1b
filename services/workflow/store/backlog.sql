-- name: share_definitions
-- Transactions that process events share this lock; those that change a definition or a state take it exclusively
-- (lock_definitions).
SELECT pg_advisory_xact_lock_shared(:lock_class, 0)

-- name: decision_state
-- The state that a unit of work needs first: the revision of the definitions, and for each partition number the
-- workflows that are behind, and the sequences that consumers of other versions (of the projection of facts) have
-- processed.
SELECT
    (SELECT number FROM revision) AS revision,
    (
        SELECT json_agg(json_build_array(b.partition, b.workflow_id, b.position, w.state = 'active'))
        FROM backlog b
        JOIN workflows w ON w.workflow_id = b.workflow_id
        WHERE b.partition = ANY(:partitions::smallint[])
    ) AS behind,
    (
        SELECT json_agg(json_build_array(c.partition, c.topic, c.sequence))
        FROM (
            SELECT partition, topic, max(sequence) AS sequence
            FROM checkpoints
            WHERE consumer = 'workflow' AND version <> :projection AND partition = ANY(:partitions::smallint[])
            GROUP BY partition, topic
        ) AS c
    ) AS decided

-- name: hold_back
-- A pause begins: all events consumed so far have been processed; later ones wait.
INSERT INTO backlog (workflow_id, partition, position)
SELECT
    :workflow_id,
    p.partition,
    coalesce((SELECT max(o.position) FROM occurrences o WHERE o.partition = p.partition), 0)
FROM generate_series(0, :partitions::int - 1) AS p (partition)
ON CONFLICT DO NOTHING

-- name: move_backlog
UPDATE backlog SET position = :position WHERE workflow_id = :workflow_id AND partition = :partition

-- name: end_backlog
DELETE FROM backlog WHERE workflow_id = :workflow_id AND partition = :partition

-- name: drop_backlog
DELETE FROM backlog WHERE workflow_id = :workflow_id

-- name: enrolments
SELECT e.partition, e.workflow_id, e.version, e.contact_id
FROM enrolments e
JOIN workflows w ON w.workflow_id = e.workflow_id
WHERE e.partition = ANY(:partitions::smallint[]) AND w.state = 'active'
ORDER BY e.partition, e.workflow_id

-- name: begin_enrolment
INSERT INTO enrolments (workflow_id, partition, version, contact_id)
SELECT :workflow_id, p.partition, :version, 0 FROM generate_series(0, :partitions::int - 1) AS p (partition)
ON CONFLICT (partition, workflow_id) DO UPDATE SET version = excluded.version, contact_id = 0

-- name: move_enrolment
UPDATE enrolments SET contact_id = :contact_id WHERE workflow_id = :workflow_id AND partition = :partition

-- name: end_enrolment
DELETE FROM enrolments WHERE workflow_id = :workflow_id AND partition = :partition

-- name: drop_enrolments
DELETE FROM enrolments WHERE workflow_id = :workflow_id
