-- Up to which position the event table is published, and which process publishes.

-- name: advance_and_read
-- Does not wait for the disk: events whose position a crash of the server loses are published again, and skipped by
-- their sequence.
WITH advanced AS (
    UPDATE publications AS publication
    SET position = acknowledged.position
    FROM
        unnest(:partitions::smallint[], :expected::bigint[], :positions::bigint[]) AS acknowledged (partition, expected, position),
        set_config('synchronous_commit', 'off', true) AS hasty
    WHERE publication.partition = acknowledged.partition AND publication.position = acknowledged.expected
    RETURNING publication.partition, publication.position
),
published AS (
    -- The update is not seen by the statement that makes it.
    SELECT publication.partition, coalesce(advanced.position, publication.position) AS position
    FROM publications AS publication
    LEFT JOIN advanced USING (partition)
)
SELECT
    published.partition, published.position AS published, event.position, event.topic, event.type, event.event_id,
    event.key, event.occurred_at, event.recorded_at, event.correlation_id, event.causation_id, event.after, event.trace,
    coalesce(event.body, event.personal) AS body
FROM published
CROSS JOIN LATERAL (
    SELECT *
    FROM events
    WHERE events.partition = published.partition AND events.position > published.position
    ORDER BY events.position
    LIMIT :most
) AS event
ORDER BY published.partition, event.position

-- name: published_position
SELECT position FROM publications WHERE partition = :partition

-- name: last_positions
SELECT wanted.partition, last.position
FROM unnest(:partitions::smallint[]) AS wanted (partition)
CROSS JOIN LATERAL (
    SELECT events.position
    FROM events
    WHERE events.partition = wanted.partition
    ORDER BY events.position DESC
    LIMIT 1
) AS last

-- name: backlog
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

-- name: oldest_unpublished
SELECT min(first.recorded_at)
FROM publications AS publication
CROSS JOIN LATERAL (
    SELECT events.recorded_at
    FROM events
    WHERE events.partition = publication.partition AND events.position > publication.position
    ORDER BY events.position
    LIMIT 1
) AS first

-- name: renew_lease
-- An optimisation that keeps several relays from sending the same events: correctness depends on the compare-and-set of
-- publications and on sequences. A stopped holder loses the lease after 5 s.
UPDATE relay_lease
SET holder = :holder, renewed_at = clock_timestamp()
WHERE holder = :holder OR renewed_at < clock_timestamp() - :lease::interval
RETURNING true

-- name: give_up_lease
UPDATE relay_lease SET renewed_at = '-infinity' WHERE holder = :holder
