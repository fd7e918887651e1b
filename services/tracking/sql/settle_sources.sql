INSERT INTO sources AS known (source)
SELECT source FROM unnest($1::text[]) AS named (source) ORDER BY source
ON CONFLICT (source) DO UPDATE SET source = known.source -- so that the ones there are returned too
RETURNING source, source_no
