-- Not waiting for the disk: what a crash of the server takes back is published again, and told by its sequence.
UPDATE publications AS publication
SET position = advanced.position
FROM
    unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS advanced (partition, expected, position),
    set_config('synchronous_commit', 'off', true) AS hasty
WHERE publication.partition = advanced.partition AND publication.position = advanced.expected
