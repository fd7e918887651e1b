SELECT position, account_id, contact_id, recorded_at, topic, type, correlation_id, causation_id, trace, body
FROM occurrences
WHERE partition = $1 AND account_id = $2 AND position > $3
ORDER BY position
LIMIT $4
