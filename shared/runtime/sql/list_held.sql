SELECT id, consumer, topic, partition, record_offset AS offset, account_id, contact_id, state, reason, held_at
FROM held
WHERE ($1::text IS NULL OR state = $1) AND id > $2
ORDER BY id
LIMIT $3
