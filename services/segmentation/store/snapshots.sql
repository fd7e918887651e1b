-- Snapshots of the image, in parts, at a committed checkpoint.

-- name: snapshot
SELECT made_for, offsets, zones, taken_at FROM snapshots WHERE partition = :partition

-- name: snapshot_parts
SELECT account_id, part, body FROM snapshot_parts WHERE partition = :partition

-- name: write_snapshot
INSERT INTO snapshots (partition, made_for, offsets, zones, taken_at)
VALUES (:partition, :made_for, :offsets::jsonb, :zones::jsonb, :taken_at)
ON CONFLICT (partition) DO UPDATE SET
    made_for = excluded.made_for, offsets = excluded.offsets, zones = excluded.zones, taken_at = excluded.taken_at

-- name: write_snapshot_parts
INSERT INTO snapshot_parts (partition, account_id, part, body)
SELECT :partition, :account_id, fresh.part, fresh.body FROM unnest(:parts::text[], :bodies::bytea[]) AS fresh (part, body)
ON CONFLICT (partition, account_id, part) DO UPDATE SET body = excluded.body

-- name: forget_snapshot
DELETE FROM snapshots WHERE partition = :partition

-- name: forget_snapshot_parts
DELETE FROM snapshot_parts WHERE partition = :partition

-- name: held_records
-- Records below the checkpoint that were not applied, because the runtime holds them.
SELECT topic, record_offset FROM held
WHERE consumer = :consumer AND partition = :partition AND state IN ('failed', 'ready')

-- name: checkpoints_of
SELECT cluster_id, topic, next_offset, sequence FROM checkpoints
WHERE
    consumer = :consumer AND version = :version AND partition = :partition
    AND cluster_id = (SELECT cluster_id FROM bound_cluster)
