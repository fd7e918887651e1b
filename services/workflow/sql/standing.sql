-- What decides on a unit of work before anything else: the revision of the definitions, the workflows that are behind,
-- and how far consumers of other versions (another projection of the facts) have decided.
SELECT
    (SELECT number FROM revision) AS revision,
    (
        SELECT json_agg(json_build_array(b.workflow_id, b.position, w.state = 'active'))
        FROM backlog b
        JOIN workflows w ON w.workflow_id = b.workflow_id
        WHERE b.partition = $1
    ) AS behind,
    (
        SELECT json_object_agg(c.topic, c.sequence)
        FROM (
            SELECT topic, max(sequence) AS sequence
            FROM checkpoints
            WHERE consumer = 'workflow' AND version <> $2 AND partition = $1
            GROUP BY topic
        ) AS c
    ) AS decided
