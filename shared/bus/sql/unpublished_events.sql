SELECT
    publication.partition, publication.position AS published, event.position, event.topic, event.type, event.event_id,
    event.key, event.occurred_at, event.recorded_at, event.correlation_id, event.causation_id, event.after, event.trace,
    coalesce(event.body, event.personal) AS body
FROM publications AS publication
CROSS JOIN LATERAL (
    SELECT *
    FROM events
    WHERE events.partition = publication.partition AND events.position > publication.position
    ORDER BY events.position
    LIMIT $1
) AS event
ORDER BY publication.partition, event.position
