SELECT DISTINCT topic, account_id, contact_id
FROM held
WHERE consumer = $1 AND partition = $2 AND topic = ANY($3::text[]) AND state IN ('failed', 'ready') AND contact_id IS NOT NULL
