SELECT count(*)
FROM runs
WHERE workflow_id = $1 AND ($2::bigint IS NULL OR contact_id = $2) AND ($3::text IS NULL OR state = $3)
