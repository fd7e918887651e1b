SELECT id, topic, partition, record_offset, key, value, headers, account_id, contact_id, held_at
FROM held
WHERE consumer = $1 AND partition = ANY($2::smallint[]) AND topic = ANY($3::text[]) AND state = 'ready'
ORDER BY id
LIMIT $4
FOR UPDATE
