SELECT *
FROM runs
WHERE
    workflow_id = $1
    AND ($2::bigint IS NULL OR contact_id = $2)
    AND ($3::text IS NULL OR state = $3)
    AND ($4::timestamptz IS NULL OR (started_at, trigger_event) < ($4, $5::uuid))
ORDER BY started_at DESC, trigger_event DESC
LIMIT $6
