SELECT e.workflow_id, e.version, e.contact_id
FROM enrolments e
JOIN workflows w ON w.workflow_id = e.workflow_id
WHERE e.partition = $1 AND w.state = 'active'
