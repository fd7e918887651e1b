SELECT source, source_no FROM sources WHERE source = ANY($1::text[])
