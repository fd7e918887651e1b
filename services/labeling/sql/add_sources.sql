INSERT INTO sources (source) SELECT source FROM unnest($1::text[]) AS source ORDER BY source ON CONFLICT DO NOTHING
