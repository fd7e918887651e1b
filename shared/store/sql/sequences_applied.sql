-- The highest sequence that this service has applied of each topic, in the partition numbers asked for.
SELECT partition, topic, max(sequence) AS sequence
FROM checkpoints
WHERE partition = ANY($1::smallint[]) AND topic = ANY($2::text[]) AND sequence > 0
GROUP BY partition, topic
