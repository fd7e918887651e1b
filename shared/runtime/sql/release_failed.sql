UPDATE held
SET state = 'ready'
WHERE state = 'failed'
  AND ($1::text IS NULL OR topic = $1)
  AND ($2::integer IS NULL OR account_id = $2)
  AND ($3::bigint IS NULL OR contact_id = $3)
