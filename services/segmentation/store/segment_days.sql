-- The number of members of segments at the end of each of the account's days, by partition number.

-- name: write_ended_days
-- A slice that is loaded again may pass the same day again; the first row written is the correct one.
INSERT INTO segment_days (segment_id, partition, day, members)
SELECT fresh.segment_id, :partition, fresh.day, fresh.members
FROM unnest(:segments::uuid[], :days::date[], :members::int[]) AS fresh (segment_id, day, members)
ON CONFLICT DO NOTHING

-- name: forget_old_days
DELETE FROM segment_days
WHERE partition = :partition AND segment_id = ANY(:segments::uuid[]) AND day < :before

-- name: forget_segments
DELETE FROM segment_days WHERE partition = :partition AND segment_id = ANY(:segments::uuid[])

-- name: days_of_segment
-- A slice without an owner at midnight has no row for that day: it counts with its last earlier row.
SELECT ended.day, sum(latest.members)::bigint AS members
FROM (SELECT DISTINCT day FROM segment_days WHERE segment_id = :segment_id AND day >= :since) AS ended
CROSS JOIN (SELECT DISTINCT partition FROM segment_days WHERE segment_id = :segment_id) AS held
CROSS JOIN LATERAL (
    SELECT members
    FROM segment_days
    WHERE segment_id = :segment_id AND partition = held.partition AND day <= ended.day
    ORDER BY day DESC
    LIMIT 1
) AS latest
GROUP BY ended.day
ORDER BY ended.day
