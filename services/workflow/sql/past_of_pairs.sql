-- How often each contact started each workflow, and how many of those runs go on; "stopped" ones never began.
SELECT
    r.workflow_id,
    r.contact_id,
    count(*) FILTER (WHERE r.state <> 'stopped') AS started,
    count(*) FILTER (WHERE r.state = 'running') AS running
FROM runs r
JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::bigint[])) AS p (workflow_id, contact_id)
    ON p.workflow_id = r.workflow_id AND p.contact_id = r.contact_id
GROUP BY r.workflow_id, r.contact_id
