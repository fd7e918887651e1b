SELECT publication.partition, last.position
FROM publications AS publication
CROSS JOIN LATERAL (
    SELECT events.position
    FROM events
    WHERE events.partition = publication.partition
    ORDER BY events.position DESC
    LIMIT 1
) AS last
