-- Positions are drawn from one sequence for all partitions, so the widest gap is at most too high, never too low.
SELECT coalesce(max(last.position - publication.position), 0)::bigint AS backlog
FROM publications AS publication
CROSS JOIN LATERAL (
    SELECT events.position
    FROM events
    WHERE events.partition = publication.partition AND events.position > publication.position
    ORDER BY events.position DESC
    LIMIT 1
) AS last
