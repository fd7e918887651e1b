-- Events that have been published before.

-- name: count_published
SELECT count(*)
FROM events
JOIN publications AS publication USING (partition)
WHERE events.topic = :topic AND events.position <= publication.position

-- name: published_events
SELECT
    events.partition, events.position, events.topic, events.type, events.event_id, events.key, events.occurred_at,
    events.correlation_id, events.causation_id, events.after, events.trace,
    coalesce(events.body, events.personal) AS body
FROM events
JOIN publications AS publication USING (partition)
WHERE events.topic = :topic AND events.position <= publication.position
ORDER BY events.position
