-- name: occurrences_since
-- What contacts did since a moment of their own; the partition of each has it in order.
SELECT o.position, o.account_id, o.contact_id, o.recorded_at, o.topic, o.type, o.correlation_id, o.causation_id,
    o.trace, o.body
FROM unnest(:partitions::smallint[]) AS p (partition)
CROSS JOIN LATERAL (
    SELECT *
    FROM occurrences
    WHERE occurrences.partition = p.partition AND occurrences.recorded_at >= :earliest
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
-- Page by page in the order in which they were consumed, from position :after on, which is above those already read.
SELECT position, account_id, contact_id, recorded_at, topic, type, correlation_id, causation_id, trace, body
FROM occurrences
WHERE partition = :partition AND account_id = :account_id AND recorded_at >= :since AND position > :after
ORDER BY position
LIMIT :limit

-- name: forget_occurrences
-- What is older than :before, and was decided on by all: a workflow that is paused has yet to look at what came since.
DELETE FROM occurrences
WHERE
    partition = :partition
    AND recorded_at < :before
    AND position <= coalesce((SELECT min(b.position) FROM backlog b WHERE b.partition = :partition), position)
