-- Held records, for operators.

-- name: list_held
SELECT id, consumer, topic, partition, record_offset AS offset, account_id, contact_id, state, reason, held_at
FROM held
WHERE id > :after
ORDER BY id
LIMIT :limit

-- name: list_held_in_state
SELECT id, consumer, topic, partition, record_offset AS offset, account_id, contact_id, state, reason, held_at
FROM held
WHERE state = :state AND id > :after
ORDER BY id
LIMIT :limit

-- name: count_held
SELECT count(*) FROM (SELECT FROM held ORDER BY id LIMIT :most) AS counted

-- name: count_held_in_state
SELECT count(*) FROM (SELECT FROM held WHERE state = :state ORDER BY id LIMIT :most) AS counted
