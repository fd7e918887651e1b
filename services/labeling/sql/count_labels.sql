SELECT count(*) FROM labels
WHERE account_id = $1 AND state <> 'deleted' AND ($2::text IS NULL OR name_key = $2)
