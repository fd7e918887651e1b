INSERT INTO snapshots (partition, made_for, offsets, zones, taken_at)
VALUES ($1, $2, $3::jsonb, $4::jsonb, $5)
ON CONFLICT (partition) DO UPDATE SET
    made_for = excluded.made_for, offsets = excluded.offsets, zones = excluded.zones, taken_at = excluded.taken_at
