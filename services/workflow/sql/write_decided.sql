INSERT INTO decided (partition, topic, sequence)
SELECT $1, topic, sequence FROM unnest($2::text[], $3::bigint[]) AS d (topic, sequence)
ON CONFLICT (partition, topic) DO UPDATE SET sequence = greatest(decided.sequence, excluded.sequence)
