SELECT min(first.recorded_at)
FROM publications AS publication
CROSS JOIN LATERAL (
    SELECT events.recorded_at
    FROM events
    WHERE events.partition = publication.partition AND events.position > publication.position
    ORDER BY events.position
    LIMIT 1
) AS first
