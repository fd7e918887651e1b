-- What contacts did since a moment of their own; their partition has it in order.
SELECT o.position, o.account_id, o.contact_id, o.recorded_at, o.topic, o.type, o.correlation_id, o.causation_id,
    o.trace, o.body
FROM occurrences o
JOIN unnest($2::int[], $3::bigint[], $4::timestamptz[]) AS c (account_id, contact_id, since)
    ON c.account_id = o.account_id AND c.contact_id = o.contact_id AND o.recorded_at >= c.since
WHERE o.partition = $1 AND o.recorded_at >= $5
ORDER BY o.position
