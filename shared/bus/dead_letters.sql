-- Held records that become dead letters.

-- name: expire_waiting
-- In the order of their ids, which is the order of locks of held rows.
UPDATE held
SET state = 'dead'
FROM (
    SELECT id FROM held WHERE state = 'waiting' AND expires_at < now() ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED
) AS expired
WHERE held.id = expired.id

-- name: dead_records
SELECT id, topic, partition, record_offset, key, value, headers, reason
FROM held
WHERE consumer = ANY(:consumers::text[]) AND state = 'dead'
ORDER BY id
LIMIT :most

-- name: forget_dead
DELETE FROM held WHERE id = ANY(:ids::bigint[])

-- name: keep_dead
-- A record that Kafka refuses stays in the table, where operators see it, without blocking others.
UPDATE held SET state = 'failed', reason = reason || :addition WHERE id = ANY(:ids::bigint[])

-- name: count_held
-- For the metrics; counts at most `most` of each state. Each state is a literal, so that the planner knows whether it
-- is rare.
SELECT topic, 'waiting' AS state, count(*) AS records
FROM (SELECT topic FROM held WHERE state = 'waiting' ORDER BY id LIMIT :most) AS counted
GROUP BY topic
UNION ALL
SELECT topic, 'failed' AS state, count(*) AS records
FROM (SELECT topic FROM held WHERE state = 'failed' ORDER BY id LIMIT :most) AS counted
GROUP BY topic
UNION ALL
SELECT topic, 'ready' AS state, count(*) AS records
FROM (SELECT topic FROM held WHERE state = 'ready' ORDER BY id LIMIT :most) AS counted
GROUP BY topic
UNION ALL
SELECT topic, 'dead' AS state, count(*) AS records
FROM (SELECT topic FROM held WHERE state = 'dead' ORDER BY id LIMIT :most) AS counted
GROUP BY topic
