-- Page by page in the order in which they were consumed, from position $4 on, which is above those already read.
SELECT position, account_id, contact_id, recorded_at, topic, type, correlation_id, causation_id, trace, body
FROM occurrences
WHERE partition = $1 AND account_id = $2 AND recorded_at >= $3 AND position > $4
ORDER BY position
LIMIT $5
