-- Held records, for operators.

-- name: list_held
SELECT id, consumer, topic, partition, record_offset AS offset, account_id, contact_id, state, reason, held_at
FROM held
WHERE (:state::text IS NULL OR state = :state) AND id > :after
ORDER BY id
LIMIT :limit

-- name: count_held
SELECT count(*) FROM held WHERE :state::text IS NULL OR state = :state
