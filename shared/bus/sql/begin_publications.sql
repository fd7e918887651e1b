INSERT INTO publications (partition)
SELECT generate_series(-1, $1::integer - 1)
ON CONFLICT DO NOTHING
