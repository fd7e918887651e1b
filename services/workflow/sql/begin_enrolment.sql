INSERT INTO enrolments (workflow_id, partition, version, contact_id)
SELECT $1, p.partition, $3, 0 FROM generate_series(0, $2::int - 1) AS p (partition)
ON CONFLICT (partition, workflow_id) DO UPDATE SET version = excluded.version, contact_id = 0
