SELECT id, topic, partition, record_offset, key, value, headers, reason
FROM held
WHERE consumer = ANY($1::text[]) AND state = 'dead'
ORDER BY id
LIMIT $2
FOR UPDATE SKIP LOCKED
