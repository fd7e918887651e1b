UPDATE messages
SET name = $2, revision = $3, version = $4, changed_at = $5
WHERE message_id = $1
