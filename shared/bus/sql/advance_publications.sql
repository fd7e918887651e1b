UPDATE publications AS publication
SET position = advanced.position
FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS advanced (partition, expected, position)
WHERE publication.partition = advanced.partition AND publication.position = advanced.expected
