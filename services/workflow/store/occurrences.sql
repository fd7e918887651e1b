-- name: occurrences_since
-- The events of contacts since a moment for each, in the order of their partitions.
SELECT o.position, o.account_id, o.contact_id, o.recorded_at, o.topic, o.type, o.correlation_id, o.causation_id,
    o.trace, o.body
FROM unnest(:partitions::smallint[], :earliest::timestamptz[]) AS p (partition, earliest)
CROSS JOIN LATERAL (
    SELECT *
    FROM occurrences
    WHERE occurrences.partition = p.partition AND occurrences.recorded_at >= p.earliest
    ORDER BY occurrences.recorded_at
) AS o
JOIN unnest(:account_ids::int[], :contact_ids::bigint[], :moments::timestamptz[]) AS c (account_id, contact_id, since)
    ON c.account_id = o.account_id AND c.contact_id = o.contact_id AND o.recorded_at >= c.since
ORDER BY o.position

-- name: occurrences_after
SELECT position, account_id, contact_id, recorded_at, topic, type, correlation_id, causation_id, trace, body
FROM occurrences
WHERE partition = :partition AND account_id = :account_id AND position > :after
ORDER BY position
LIMIT :limit

-- name: occurrences_of_account
-- In the order in which they were consumed, page by page, after position :after.
SELECT position, account_id, contact_id, recorded_at, topic, type, correlation_id, causation_id, trace, body
FROM occurrences
WHERE partition = :partition AND account_id = :account_id AND recorded_at >= :since AND position > :after
ORDER BY position
LIMIT :limit

-- name: forget_occurrences
-- Events older than :before that all workflows have processed: a paused workflow still needs the events since its
-- pause.
DELETE FROM occurrences
WHERE
    partition = :partition
    AND recorded_at < :before
    AND position <= coalesce((SELECT min(b.position) FROM backlog b WHERE b.partition = :partition), position)
