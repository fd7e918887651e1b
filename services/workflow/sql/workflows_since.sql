-- Workflows that changed after revision $1, with every version and every phase.
SELECT
    w.workflow_id,
    w.account_id,
    (
        SELECT json_agg(json_build_object('version', d.version, 'body', d.body::json) ORDER BY d.version)
        FROM definitions d
        WHERE d.workflow_id = w.workflow_id
    ) AS versions,
    (
        SELECT json_agg(
            json_build_object('since', p.since, 'state', p.state, 'version', p.version) ORDER BY p.number
        )
        FROM phases p
        WHERE p.workflow_id = w.workflow_id
    ) AS phases
FROM workflows w
WHERE w.revision > $1
